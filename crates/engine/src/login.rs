//! A login: its flags, its UserRefNums, and its live orders by arrival.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ringside_book::{NONE, Slot};
use ringside_domain::{LoginTerms, UserRefNum};

use crate::index::OrderIndex;
use crate::order::Details;

/// State of a login.
#[derive(Debug)]
pub struct Login {
    /// Terms in force.
    pub terms: LoginTerms,
    /// False once removed from the configuration.
    pub listed: bool,
    /// A connection was accepted and has not ended.
    pub connected: bool,
    /// New orders are refused.
    pub disabled: bool,
    /// Orders resting now.
    pub live_orders: u32,
    /// Oldest and youngest live order. Order references ascend along the list: a replacement joins at the end.
    pub(crate) first: Slot,
    pub(crate) last: Slot,
    /// UserRefIdx 0, which nearly all clients use alone.
    main: Channel,
    /// The other channels that were ever used.
    others: BTreeMap<u8, Box<Channel>>,
}

/// An independent flow of UserRefNums.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// Last UserRefNum consumed, 0 before the first.
    last: UserRefNum,
    /// Live orders.
    index: OrderIndex,
}

impl Login {
    pub(crate) fn new(terms: LoginTerms) -> Self {
        Login {
            terms,
            listed: true,
            connected: false,
            disabled: false,
            live_orders: 0,
            first: NONE,
            last: NONE,
            main: Channel::default(),
            others: BTreeMap::new(),
        }
    }

    /// Last UserRefNum consumed on a channel, 0 before the first.
    pub fn last_user_ref_num(&self, user_ref_idx: u8) -> UserRefNum {
        self.channel(user_ref_idx).map_or(0, |channel| channel.last)
    }

    /// All channels ever used, with their last UserRefNum.
    pub fn channels(&self) -> impl Iterator<Item = (u8, UserRefNum)> + '_ {
        let main = (self.main.last != 0).then_some((0, self.main.last));
        main.into_iter().chain(self.others.iter().map(|(idx, channel)| (*idx, channel.last)))
    }

    /// True when a request under this UserRefNum is a retransmission: OUCH 5.0 ignores it.
    pub(crate) fn is_stale(&self, user_ref_idx: u8, user_ref_num: UserRefNum) -> bool {
        user_ref_num <= self.last_user_ref_num(user_ref_idx)
    }

    /// Marks a UserRefNum as used. It is not stale.
    pub(crate) fn consume(&mut self, user_ref_idx: u8, user_ref_num: UserRefNum) {
        let channel = self.channel_mut(user_ref_idx);
        debug_assert!(user_ref_num > channel.last, "Invariant: UserRefNums strictly increase");
        channel.last = user_ref_num;
    }

    /// The live order under a UserRefNum, or [`NONE`].
    pub(crate) fn find(&self, user_ref_idx: u8, user_ref_num: UserRefNum) -> Slot {
        self.channel(user_ref_idx).map_or(NONE, |channel| channel.index.get(user_ref_num))
    }

    /// A new live order, the youngest.
    pub(crate) fn add(
        &mut self,
        details: &mut [Details],
        slot: Slot,
        user_ref_idx: u8,
        user_ref_num: UserRefNum,
    ) {
        self.channel_mut(user_ref_idx).index.insert(user_ref_num, slot);
        self.live_orders += 1;
        details[slot as usize].previous = self.last;
        details[slot as usize].next = NONE;
        match self.last {
            NONE => self.first = slot,
            last => details[last as usize].next = slot,
        }
        self.last = slot;
    }

    /// A live order died.
    pub(crate) fn drop_order(
        &mut self,
        details: &mut [Details],
        slot: Slot,
        user_ref_idx: u8,
        user_ref_num: UserRefNum,
    ) {
        self.channel_mut(user_ref_idx).index.remove(user_ref_num);
        self.live_orders -= 1;
        let Details { next, previous, .. } = details[slot as usize];
        match previous {
            NONE => self.first = next,
            previous => details[previous as usize].next = next,
        }
        match next {
            NONE => self.last = previous,
            next => details[next as usize].previous = previous,
        }
    }

    #[inline]
    fn channel(&self, user_ref_idx: u8) -> Option<&Channel> {
        if user_ref_idx == 0 {
            Some(&self.main)
        } else {
            self.others.get(&user_ref_idx).map(|channel| &**channel)
        }
    }

    #[inline]
    fn channel_mut(&mut self, user_ref_idx: u8) -> &mut Channel {
        if user_ref_idx == 0 { &mut self.main } else { self.others.entry(user_ref_idx).or_default() }
    }
}

/// Sets the details of a slot, which is at most one past the end.
pub(crate) fn put_details(details: &mut Vec<Details>, slot: Slot, value: Details) {
    match details.get_mut(slot as usize) {
        Some(entry) => *entry = value,
        None => {
            assert!(details.len() == slot as usize, "Invariant: the arena hands out neighbouring slots");
            details.push(value);
        }
    }
}
