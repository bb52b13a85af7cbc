//! What an engine is made of, in plain records: all that can influence a future event, and nothing that can be counted
//! or sorted again from the rest. `restore` makes an engine of it.
//!
//! The state hash covers what the rules call state. Besides that a record here has what is remembered between two
//! commands and decides about later ones without being state in words: what the public was told last of a call, the
//! prices at which pegs were priced last, the letters and shares of special orders that [`OrderState`] sums up.
//!
//! Left out, because `restore` finds it again: indices, watch bits, `guarded`, the agenda of what is due, counts of live
//! orders. Left out, because it means nothing between two commands: `touched`, `scratch`, the number of the command.
//!
//! [`OrderState`]: ringside_domain::state::OrderState

use alloc::vec::Vec;

use ringside_book::{NONE, Order, Slot, Tick};
use ringside_domain::{AuctionKind, InstrumentTerms, LoginId, MarketState, OrderRef, TimeNs, UserRefNum};

pub use crate::special::{Extra, Special};
use crate::view::QUEUES;
use crate::{Engine, Instrument};

/// An instrument without its orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstrumentImage {
    /// Terms in force.
    pub terms: InstrumentTerms,
    /// False once removed.
    pub listed: bool,
    /// Its kill switch is on.
    pub killed: bool,
    /// State.
    pub state: MarketState,
    /// Which auction: of the present call, or of the last one.
    pub auction: AuctionKind,
    /// When the call ends by itself; 0 = when told.
    pub call_ends_ns: TimeNs,
    /// Wire price of the last trade; 0 = none yet.
    pub last: u32,
    /// The dynamic band has no reference until the next trade.
    pub band_cleared: bool,
    /// Lowest print since the last election of stops.
    pub print_low: u32,
    /// Highest one; below the lowest: there was none.
    pub print_high: u32,
    /// Indicative price last told.
    pub told_price: u64,
    /// Indicative quantity last told.
    pub told_quantity: u64,
    /// Indicative surplus last told.
    pub told_surplus: u64,
    /// The surplus was of buys.
    pub told_surplus_buy: bool,
    /// OrderRefNum of the top order of the buyers (pro rata only); 0 = none.
    pub top_buy: OrderRef,
    /// ... and of the sellers.
    pub top_sell: OrderRef,
    /// Best visible bid without pegs, in ticks, when pegs were priced last; 0 = none.
    pub peg_bid: Tick,
    /// Best visible ask without pegs, likewise.
    pub peg_ask: Tick,
    /// A peg was added since then.
    pub peg_added: bool,
}

/// A flow of UserRefNums.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChannelImage {
    /// Whose.
    pub login: LoginId,
    /// Which: 0 is the main channel, which every login has.
    pub user_ref_idx: u8,
    /// Last UserRefNum consumed; 0 = none yet.
    pub last: UserRefNum,
    /// Lowest UserRefNum of a live order; 0 = there is none.
    pub oldest: UserRefNum,
}

/// What only special orders have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpecialImage {
    /// What is kept of it beside the order.
    pub special: Special,
    /// By what else than its place it is found: bits of [`SpecialImage::STOP`] and its neighbours.
    pub found_by: u8,
}

impl SpecialImage {
    /// Waits for its trigger.
    pub const STOP: u8 = 1;
    /// Follows the market.
    pub const PEG: u8 = 2;
    /// Takes at its discretion price.
    pub const DISCRETION: u8 = 4;
}

impl Instrument {
    fn image(&self) -> InstrumentImage {
        InstrumentImage {
            terms: self.terms,
            listed: self.listed,
            killed: self.killed,
            state: self.state,
            auction: self.auction,
            call_ends_ns: self.call_ends_ns,
            last: self.last,
            band_cleared: self.band_cleared,
            print_low: self.prints.0,
            print_high: self.prints.1,
            told_price: self.told.price,
            told_quantity: self.told.quantity,
            told_surplus: self.told.surplus,
            told_surplus_buy: self.told.surplus_buy,
            top_buy: self.top_buy,
            top_sell: self.top_sell,
            peg_bid: self.watched.peg_references.0,
            peg_ask: self.watched.peg_references.1,
            peg_added: self.watched.peg_added,
        }
    }
}

impl Engine {
    /// All instruments by id, without their orders.
    pub fn instrument_images(&self) -> impl Iterator<Item = InstrumentImage> + '_ {
        self.instruments.iter().map(Instrument::image)
    }

    /// All channels that were ever used, by login and number.
    pub fn channel_images(&self) -> impl Iterator<Item = ChannelImage> + '_ {
        let number = |slot: Slot| self.store.orders.get(slot).user_ref_num;
        self.logins.iter().flat_map(move |login| {
            login.channels().map(move |(user_ref_idx, last)| {
                let oldest = login.oldest(user_ref_idx).map_or(0, number);
                ChannelImage { login: login.terms.login, user_ref_idx, last, oldest }
            })
        })
    }

    /// All live orders, instrument by instrument: visible buys, visible sells, hidden buys, hidden sells in priority, then
    /// parked ones by OrderRefNum. The links and the number `special` of an [`Order`] mean nothing here.
    pub fn for_each_order_image(&self, mut tell: impl FnMut(&Order, Option<SpecialImage>)) {
        for instrument in &self.instruments {
            for (buy, queue) in QUEUES {
                let slots = instrument.book.slots(&self.store, buy, queue);
                slots.for_each(|slot| self.tell_image(instrument, slot, &mut tell));
            }
            let parked: Vec<Slot> = instrument.watched.parked.values().copied().collect();
            parked.into_iter().for_each(|slot| self.tell_image(instrument, slot, &mut tell));
        }
    }

    fn tell_image(
        &self,
        instrument: &Instrument,
        slot: Slot,
        tell: &mut impl FnMut(&Order, Option<SpecialImage>),
    ) {
        let order = self.store.orders.get(slot);
        if order.special == NONE {
            return tell(order, None);
        }
        let special = *self.specials.get(order.special);
        tell(order, Some(SpecialImage { special, found_by: found_by(instrument, order, &special) }));
    }
}

/// In which trees an order is.
fn found_by(instrument: &Instrument, order: &Order, special: &Special) -> u8 {
    let (watched, order_ref) = (&instrument.watched, order.order_ref);
    let stop = (special.extra.trigger_price, order_ref);
    let taker = (instrument.tick_at(special.extra.discretion_price.into()), order_ref);
    let (stops, takers) = match order.side.is_buy() {
        true => (&watched.buy_stops, &watched.buy_discretion),
        false => (&watched.sell_stops, &watched.sell_discretion),
    };
    let bit = |found: bool, bit: u8| if found { bit } else { 0 };
    bit(stops.contains_key(&stop), SpecialImage::STOP)
        | bit(watched.pegs.contains_key(&order_ref), SpecialImage::PEG)
        | bit(takers.contains_key(&taker), SpecialImage::DISCRETION)
}
