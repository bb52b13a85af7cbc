//! Counts the venue's answers and puts the two halves of each match together.
//!
//! A match between two orders of one login is told twice in a row, under one match number: the resting order's
//! execution first, then the aggressor's. Half a match has its other side elsewhere: another login, or an order
//! of this login from before the flow. It is counted as foreign and left out of the fills and their digest. In an
//! auction nobody is the aggressor: the half that is told first, the buyer's, stands as the maker's.
//!
//! `canceled` counts what took shares off without a trade: `C`, and `D` of self-trade prevention. Slices, new prices and
//! triggers (`R`, `T`) change nothing here, and a trade that is broken later (`B`) was a fill all the same.
//!
//! Only orders of the flow are counted; what befalls the login's older orders meanwhile is not.

use ringside_domain::{MatchNumber, UserRefNum};
use ringside_sim::flow::FillsDigest;
use ringside_wire::ouch::{Executed, Reply};
use serde_json::{Value, json};

use super::source::Source;

/// Liquidity flag of the aggressor.
const REMOVED: u8 = b'R';

/// A match between two orders of the flow, by the flow's own numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    pub taker: UserRefNum,
    pub maker: UserRefNum,
    /// Wire units.
    pub price: u64,
    pub quantity: u32,
}

/// One side of a match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Half {
    match_number: MatchNumber,
    /// `None`: not an order of the flow.
    order: Option<UserRefNum>,
    liquidity: u8,
    price: u64,
    quantity: u32,
}

/// What the venue has said so far.
#[derive(Default)]
pub struct Answers {
    matches: Matches,
    accepted: u64,
    replaced: u64,
    rejected: u64,
    canceled: u64,
    digest: FillsDigest,
}

/// Matches, whole and half.
#[derive(Debug, Default)]
struct Matches {
    /// An execution whose other half may come next.
    half: Option<Half>,
    fills: u64,
    quantity: u64,
    foreign_fills: u64,
    foreign_quantity: u64,
}

impl Answers {
    /// Counts one reply; returns the fill that it completes.
    pub fn take(&mut self, reply: &Reply<'_>, source: &Source) -> Option<Fill> {
        let order = source.order(reply.user_ref_idx(), reply.user_ref_num()?);
        let of_flow = u64::from(order.is_some());
        match reply {
            Reply::Accepted(_) => self.accepted += of_flow,
            Reply::Replaced(_) => self.replaced += of_flow,
            Reply::Rejected(_) => self.rejected += of_flow,
            Reply::Canceled(_) | Reply::AiqCanceled(_) => self.canceled += of_flow,
            Reply::Executed(executed) => return self.executed(executed, order, source),
            _ => {}
        }
        None
    }

    /// No more replies: a half that waits stays one.
    pub fn finish(&mut self) {
        self.matches.give_up_half();
    }

    /// All counts, as the summary names them.
    pub fn summary(&self) -> Value {
        json!({
            "accepted": self.accepted,
            "replaced": self.replaced,
            "rejected": self.rejected,
            "canceled": self.canceled,
            "fills": self.matches.fills,
            "executed_quantity": self.matches.quantity,
            "foreign_fills": self.matches.foreign_fills,
            "foreign_quantity": self.matches.foreign_quantity,
            "fills_digest": self.digest.clone().finish(),
        })
    }

    fn executed(
        &mut self,
        executed: &Executed<'_>,
        order: Option<UserRefNum>,
        source: &Source,
    ) -> Option<Fill> {
        let &Executed { match_number, liquidity, price, quantity, .. } = executed;
        let fill = self.matches.take(Half { match_number, order, liquidity, price, quantity })?;
        self.digest.add(source.order_id(fill.taker), source.order_id(fill.maker), fill.price, fill.quantity);
        Some(fill)
    }
}

impl Matches {
    /// Counts one side of a match; returns the fill that it completes.
    fn take(&mut self, half: Half) -> Option<Fill> {
        match self.half.take_if(|first| first.match_number == half.match_number) {
            Some(first) => self.whole(first, half),
            None => {
                self.give_up_half();
                self.half = Some(half);
                None
            }
        }
    }

    fn whole(&mut self, first: Half, second: Half) -> Option<Fill> {
        debug_assert_eq!((first.price, first.quantity), (second.price, second.quantity));
        let is_turned = first.liquidity == REMOVED && second.liquidity != REMOVED;
        let (maker, taker) = if is_turned { (second, first) } else { (first, second) };
        let Half { price, quantity, .. } = taker;
        match (taker.order, maker.order) {
            (Some(taker), Some(maker)) => {
                self.fills += 1;
                self.quantity += u64::from(quantity);
                Some(Fill { taker, maker, price, quantity })
            }
            (None, None) => None,
            _ => {
                self.foreign(quantity);
                None
            }
        }
    }

    /// The other half did not follow: it is somebody else's.
    fn give_up_half(&mut self) {
        if let Some(half) = self.half.take()
            && half.order.is_some()
        {
            self.foreign(half.quantity);
        }
    }

    fn foreign(&mut self, quantity: u32) {
        self.foreign_fills += 1;
        self.foreign_quantity += u64::from(quantity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_domain::ClientOrderId;
    use ringside_wire::ouch::{AiqCanceled, BrokenTrade, Canceled, PriorityUpdate, Restated, Tags};

    fn half(match_number: u64, order: u32, liquidity: u8) -> Half {
        let order = (order > 0).then_some(order);
        Half { match_number, order, liquidity, price: 48_000_000, quantity: 5 }
    }

    fn run(halves: &[Half]) -> (Vec<(u32, u32)>, u64) {
        let mut matches = Matches::default();
        let fills = halves.iter().filter_map(|half| matches.take(*half));
        let fills = fills.map(|fill| (fill.taker, fill.maker)).collect();
        matches.give_up_half();
        (fills, matches.foreign_fills)
    }

    #[test]
    fn the_resting_half_comes_first_then_the_aggressor() {
        assert_eq!(run(&[half(1, 7, b'A'), half(1, 9, b'R')]), (vec![(9, 7)], 0));
        assert_eq!(run(&[half(1, 9, b'R'), half(1, 7, b'A')]), (vec![(9, 7)], 0));
    }

    #[test]
    fn a_half_without_another_is_foreign() {
        let halves = [half(1, 7, b'A'), half(2, 8, b'A'), half(2, 9, b'R'), half(3, 9, b'R')];
        assert_eq!(run(&halves), (vec![(9, 8)], 2));
    }

    #[test]
    fn a_match_with_an_order_from_before_the_flow_is_foreign() {
        assert_eq!(run(&[half(1, 0, b'A'), half(1, 9, b'R')]), (vec![], 1));
        assert_eq!(run(&[half(1, 0, b'A'), half(1, 0, b'R'), half(2, 0, b'A')]), (vec![], 0));
    }

    #[test]
    fn in_an_auction_the_half_told_first_stands_as_the_maker() {
        for flag in *b"OCH" {
            assert_eq!(run(&[half(1, 7, flag), half(1, 9, flag)]), (vec![(9, 7)], 0));
        }
    }

    /// A flow of one order, which has been sent.
    fn source_of_one_order() -> Source {
        let flow = "time_ns,action,order_id,symbol,side,price,quantity,tif,new_order_id\n\
                    1,new,first,ESH4,B,4800.25,10,day,\n";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flow.csv");
        std::fs::write(&path, flow).unwrap();
        let mut source = Source::open(&path).unwrap();
        source.next_step().unwrap().expect("one order");
        source
    }

    #[test]
    fn shares_taken_off_by_c_or_d_are_canceled_and_other_notices_count_nothing() {
        let (source, mut answers) = (source_of_one_order(), Answers::default());
        let (timestamp, user_ref_num, quantity, price, tags) = (1, 1, 5, 48_002_500, Tags::EMPTY);
        let aiq = |user_ref_num| {
            let (reason, prevented, liquidity, strategy) = (b'Q', 5, b'A', b'D');
            Reply::AiqCanceled(AiqCanceled {
                timestamp,
                user_ref_num,
                quantity,
                reason,
                prevented,
                price,
                liquidity,
                strategy,
                tags,
            })
        };
        let (client_order_id, match_number, reason) = (ClientOrderId::BLANK, 3, b'S');
        let replies = [
            Reply::Restated(Restated { timestamp, user_ref_num, reason: b'R', tags }),
            Reply::Restated(Restated { timestamp, user_ref_num, reason: b'P', tags }),
            Reply::PriorityUpdate(PriorityUpdate {
                timestamp,
                user_ref_num,
                price,
                display: b'Y',
                order_ref: 9,
                tags,
            }),
            aiq(1),
            aiq(2),
            Reply::Canceled(Canceled { timestamp, user_ref_num, quantity, reason, tags }),
            Reply::BrokenTrade(BrokenTrade {
                timestamp,
                user_ref_num,
                match_number,
                reason,
                client_order_id,
                tags,
            }),
        ];
        for reply in &replies {
            assert_eq!(answers.take(reply, &source), None);
        }
        answers.finish();
        let summary = answers.summary();
        assert_eq!(summary["canceled"], 2, "the D of another order is not the flow's: {summary}");
        for other in ["accepted", "replaced", "rejected", "fills", "executed_quantity", "foreign_fills"] {
            assert_eq!(summary[other], 0, "{other}");
        }
    }
}
