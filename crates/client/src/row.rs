//! How a program knows which answers in its stream are its own.
//!
//! An earlier program of the same login may have asked on any fence channel, and its answers may come at any time: in a rewind, or
//! after the login, when the venue was slow. So a row of queries goes out on channels that were drawn at random. The venue takes a
//! login's requests in order, so once these channels have answered one after the other, everything that follows is this program's.
//!
//! That an earlier program's answers form the same row by chance: one in 15 million for each of its queries.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::unacknowledged::{FENCES, FENCES_MAX};

/// Queries of a row.
pub(crate) const LENGTH: usize = 4;

/// A row, and how much of it has gone out and come back.
#[derive(Debug)]
pub(crate) struct Row {
    channels: [u8; LENGTH],
    handed: usize,
    answered: usize,
}

impl Row {
    /// Four different channels, drawn from what the system gives hash maps as their keys.
    pub(crate) fn draw() -> Row {
        let mut dice = RandomState::new().build_hasher().finish();
        let mut left: Vec<u8> = FENCES.collect();
        let channels = std::array::from_fn(|_| {
            let at = (dice % left.len() as u64) as usize;
            dice /= FENCES_MAX as u64;
            left.swap_remove(at)
        });
        Row { channels, handed: 0, answered: 0 }
    }

    /// The next channel to ask on.
    pub(crate) fn next_to_hand(&self) -> Option<u8> {
        self.channels.get(self.handed).copied()
    }

    /// That query was handed over.
    pub(crate) fn handed(&mut self) {
        self.handed += 1;
    }

    /// An Account Query of this channel was answered. True: it was the last one of the row.
    pub(crate) fn answered(&mut self, channel: u8) -> bool {
        // Channels differ, so a row that breaks off can only begin anew.
        self.answered = match channel {
            channel if channel == self.channels[self.answered] => self.answered + 1,
            channel if channel == self.channels[0] => 1,
            _ => 0,
        };
        self.answered == LENGTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(channels: [u8; LENGTH]) -> Row {
        Row { channels, handed: 0, answered: 0 }
    }

    #[test]
    fn only_the_whole_row_in_order_ends_it() {
        let heard = |channels: &[u8]| {
            let mut row = row([200, 210, 191, 254]);
            channels.iter().map(|channel| row.answered(*channel)).collect::<Vec<_>>()
        };
        assert_eq!(heard(&[200, 210, 191, 254]), [false, false, false, true]);
        assert_eq!(heard(&[200, 210, 191, 0, 254]), [false; 5]);
        assert_eq!(heard(&[200, 200, 210, 191, 254]).last(), Some(&true), "it begins anew");
        assert_eq!(heard(&[200, 210, 191, 200, 210, 191, 254]).last(), Some(&true));
        assert_eq!(heard(&[254, 191, 210, 200]), [false; 4]);
    }

    #[test]
    fn rows_differ_and_have_four_channels() {
        let rows: std::collections::HashSet<[u8; LENGTH]> =
            (0..1_000).map(|_| Row::draw().channels).collect();
        assert!(rows.len() > 990, "{} of 1,000 are different", rows.len());
        for mut row in rows {
            assert!(row.iter().all(|channel| FENCES.contains(channel)));
            row.sort_unstable();
            assert!(row.windows(2).all(|pair| pair[0] != pair[1]), "{row:?}");
        }
    }
}
