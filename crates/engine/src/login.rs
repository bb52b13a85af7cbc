//! A login: its flags, its UserRefNums, and its live orders by UserRefNum.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use ringside_book::{NONE, Slot};
use ringside_domain::limits::USER_REF_IDX_CARRIED;
use ringside_domain::{LoginTerms, TimeNs, UserRefNum};

use crate::index::OrderIndex;

/// State of a login.
#[derive(Debug)]
pub struct Login {
    /// UserRefIdx 0, which nearly all clients use alone.
    main: Channel,
    /// Orders alive now.
    pub live_orders: u32,
    /// False once removed from the configuration.
    pub listed: bool,
    /// A connection was accepted and has not ended.
    pub connected: bool,
    /// New orders are refused at the login's own wish.
    pub disabled: bool,
    /// Its orders are cancelled at this time unless it comes back; 0 = no.
    pub grace_ends_ns: TimeNs,
    /// A limit, a restriction or a kill switch may concern it: [`crate::risk`] looks closer.
    pub(crate) guarded: bool,
    /// Terms in force.
    pub terms: LoginTerms,
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
            main: Channel::default(),
            live_orders: 0,
            listed: true,
            connected: false,
            disabled: false,
            grace_ends_ns: 0,
            guarded: false,
            terms,
            others: BTreeMap::new(),
        }
    }

    /// Last UserRefNum consumed on a channel, 0 before the first.
    #[inline(always)]
    pub fn last_user_ref_num(&self, user_ref_idx: u8) -> UserRefNum {
        self.channel(user_ref_idx).map_or(0, |channel| channel.last)
    }

    /// Channels that were ever used, with their last UserRefNum. Channel 0 is always there.
    pub fn channels(&self) -> impl Iterator<Item = (u8, UserRefNum)> + '_ {
        let others = self.others.iter().map(|(idx, channel)| (*idx, channel.last));
        core::iter::once((0, self.main.last)).chain(others)
    }

    /// True when a UserRefNum was used or skipped before. 0 always is.
    #[inline(always)]
    pub(crate) fn is_stale(&self, user_ref_idx: u8, user_ref_num: UserRefNum) -> bool {
        user_ref_num <= self.last_user_ref_num(user_ref_idx)
    }

    /// Marks a UserRefNum as used. It is not stale.
    #[inline(always)]
    pub(crate) fn consume(&mut self, user_ref_idx: u8, user_ref_num: UserRefNum) {
        let channel = self.channel_mut(user_ref_idx);
        debug_assert!(user_ref_num > channel.last, "Invariant: UserRefNums strictly increase");
        channel.last = user_ref_num;
    }

    /// The live order under a UserRefNum, or [`NONE`].
    #[inline(always)]
    pub(crate) fn find(&self, user_ref_idx: u8, user_ref_num: UserRefNum) -> Slot {
        self.channel(user_ref_idx).map_or(NONE, |channel| channel.index.get(user_ref_num))
    }

    /// The place of a UserRefNum in the index of channel 0 will be needed soon.
    #[inline(always)]
    pub(crate) fn fetch(&self, user_ref_num: UserRefNum) {
        self.main.index.fetch(user_ref_num);
    }

    /// A new live order, the youngest of its channel.
    #[inline(always)]
    pub(crate) fn add(&mut self, slot: Slot, user_ref_idx: u8, user_ref_num: UserRefNum) {
        self.channel_mut(user_ref_idx).index.insert(user_ref_num, slot);
        self.live_orders += 1;
    }

    /// True when nothing speaks against a new order with this UserRefNum on channel 0.
    #[inline(always)]
    pub(crate) fn takes_quietly(&self, user_ref_num: UserRefNum) -> bool {
        !(self.disabled | self.guarded) & (user_ref_num > self.main.last)
    }

    /// A new live order of channel 0, with a UserRefNum that is new too.
    #[inline(always)]
    pub(crate) fn add_newest(&mut self, slot: Slot, user_ref_num: UserRefNum) {
        debug_assert!(user_ref_num > self.main.last, "Invariant: UserRefNums strictly increase");
        self.main.last = user_ref_num;
        self.main.index.insert(user_ref_num, slot);
        self.live_orders += 1;
    }

    /// A live order of channel 0 gets another UserRefNum, which is new.
    #[inline(always)]
    pub(crate) fn rename_newest(&mut self, slot: Slot, old: UserRefNum, new: UserRefNum) {
        debug_assert!(new > self.main.last, "Invariant: UserRefNums strictly increase");
        self.main.last = new;
        self.main.index.remove(old);
        self.main.index.insert(new, slot);
    }

    /// The oldest live order of a channel.
    pub(crate) fn oldest(&self, user_ref_idx: u8) -> Option<Slot> {
        self.channel(user_ref_idx).and_then(|channel| channel.index.iter().next())
    }

    /// A channel as it was: its live orders come next, none older than `oldest`.
    pub(crate) fn restore_channel(&mut self, user_ref_idx: u8, last: UserRefNum, oldest: UserRefNum) {
        let channel = self.channel_mut(user_ref_idx);
        channel.last = last;
        channel.index = OrderIndex::reaching(oldest, last);
    }

    /// A live order of a restored channel, in any order. False: it cannot be there.
    #[inline(always)]
    pub(crate) fn restore_order(&mut self, slot: Slot, user_ref_idx: u8, user_ref_num: UserRefNum) -> bool {
        let channel = match user_ref_idx {
            0 => &mut self.main,
            idx => match self.others.get_mut(&idx) {
                Some(channel) => channel,
                None => return false,
            },
        };
        self.live_orders += 1;
        user_ref_num <= channel.last && channel.index.restore(user_ref_num, slot)
    }

    /// A new session: nobody is connected, no UserRefNum was used. Live orders are found again once they are carried.
    pub(crate) fn begin_session(&mut self) {
        self.connected = false;
        self.main = Channel::default();
        self.others.clear();
    }

    /// A live order of the session before, under the next UserRefNum of the channel for those.
    pub(crate) fn carry(&mut self, slot: Slot) -> UserRefNum {
        let channel = self.channel_mut(USER_REF_IDX_CARRIED);
        channel.last += 1;
        channel.index.insert(channel.last, slot);
        channel.last
    }

    /// A live order died.
    #[inline(always)]
    pub(crate) fn drop_order(&mut self, user_ref_idx: u8, user_ref_num: UserRefNum) {
        self.channel_mut(user_ref_idx).index.remove(user_ref_num);
        self.live_orders -= 1;
    }

    /// Live orders: channel by channel, by arrival within one.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.main.index.iter().chain(self.others.values().flat_map(|channel| channel.index.iter()))
    }

    #[inline(always)]
    fn channel(&self, user_ref_idx: u8) -> Option<&Channel> {
        if user_ref_idx == 0 {
            Some(&self.main)
        } else {
            self.others.get(&user_ref_idx).map(|channel| &**channel)
        }
    }

    #[inline(always)]
    fn channel_mut(&mut self, user_ref_idx: u8) -> &mut Channel {
        if user_ref_idx == 0 { &mut self.main } else { self.others.entry(user_ref_idx).or_default() }
    }
}
