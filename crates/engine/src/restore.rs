//! From plain records to an engine, in bulk: each record is looked at once, and finds its place without a search.
//!
//! Records come in the order in which [`crate::image`] tells them. Nothing is believed: whatever is wrong with a record is a
//! [`RestoreError`], never a panic, and the half-made engine is thrown away.

use alloc::vec::Vec;
use core::fmt;

use ringside_book::{NO_RANK, NONE, Order, Slot, market_tick, rank_of};
use ringside_domain::limits::{INSTRUMENTS_MAX, LOGINS_MAX, PRICE_MARKET};
use ringside_domain::state::{
    AssetState, BalanceState, ExposureState, LimitsState, LoginState, PastAssets, PastOwner, VenueState,
};
use ringside_domain::{InstrumentId, LoginId, MatchNumber, OrderRef, Scope, UserRefNum};

use crate::balances::Balance;
use crate::config::are_sound;
use crate::due::What;
use crate::image::{ChannelImage, InstrumentImage, SpecialImage};
use crate::instrument::Indicative;
use crate::login::Login;
use crate::risk::{Exposure, Limited};
use crate::{Engine, Instrument, Limits};

/// Why records are not an engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestoreError {
    /// More live orders than the engine has room for.
    Capacity,
    /// An instrument out of line, or with terms that contradict themselves.
    Instrument(u32),
    /// A login out of line.
    Login(u32),
    /// A channel without its login, twice, or with an oldest order beyond its last UserRefNum.
    Channel(u32, u8),
    /// An order that cannot live.
    Order(OrderRef, OrderFault),
    /// Limits, exposure, restriction or kill switch of a scope that cannot have them.
    Scope,
}

/// What is wrong with an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderFault {
    /// Its instrument does not exist.
    Instrument,
    /// Its login or channel does not exist.
    Owner,
    /// Its number was never given.
    Number,
    /// Its UserRefNum is not between the oldest and the last of its channel, or is another order's.
    UserRefNum,
    /// No order can stand at its price.
    Price,
    /// It has no open shares.
    Open,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreError::Capacity => f.write_str("more live orders than there is room for"),
            RestoreError::Instrument(id) => write!(f, "instrument {id} cannot be"),
            RestoreError::Login(id) => write!(f, "login {id} cannot be"),
            RestoreError::Channel(login, idx) => write!(f, "channel {idx} of login {login} cannot be"),
            RestoreError::Order(order_ref, fault) => {
                write!(f, "order {order_ref} cannot live: {fault:?}")
            }
            RestoreError::Scope => f.write_str("a scope cannot have what it has"),
        }
    }
}

impl core::error::Error for RestoreError {}

/// Orders whose owners are told of them at once.
const BATCH: usize = 64;

/// An engine in the making.
#[derive(Debug)]
pub struct Restore {
    engine: Engine,
    /// Orders that their owners cannot find yet. An owner's index is met in no order of memory: looked at one by one each
    /// look would wait for memory, in a batch they wait together.
    batch: Vec<Owned>,
}

/// An order by its owner's name for it.
#[derive(Clone, Copy, Debug)]
struct Owned {
    order_ref: OrderRef,
    login: LoginId,
    user_ref_num: UserRefNum,
    slot: Slot,
    user_ref_idx: u8,
}

impl Restore {
    /// Nothing but counters.
    pub fn new(limits: Limits, venue: VenueState) -> Self {
        let mut engine = Engine::new(limits);
        engine.counters = venue;
        Restore { engine, batch: Vec::with_capacity(BATCH) }
    }

    /// The next instrument.
    pub fn instrument(&mut self, image: &InstrumentImage) -> Result<(), RestoreError> {
        let (id, next) = (image.terms.instrument.0, self.engine.instruments.len() as u32 + 1);
        if id != next || next > INSTRUMENTS_MAX || !are_sound(&image.terms) {
            return Err(RestoreError::Instrument(id));
        }
        let mut instrument = Instrument::new(image.terms);
        instrument.listed = image.listed;
        instrument.killed = image.killed;
        instrument.state = image.state;
        instrument.auction = image.auction;
        instrument.call_ends_ns = image.call_ends_ns;
        instrument.last = image.last;
        instrument.band_cleared = image.band_cleared;
        instrument.prints = (image.print_low, image.print_high);
        instrument.told = Indicative {
            price: image.told_price,
            quantity: image.told_quantity,
            surplus: image.told_surplus,
            surplus_buy: image.told_surplus_buy,
        };
        (instrument.top_buy, instrument.top_sell) = (image.top_buy, image.top_sell);
        instrument.watched.peg_references = (image.peg_bid, image.peg_ask);
        instrument.watched.peg_added = image.peg_added;
        self.engine.symbols.insert(image.terms.symbol, image.terms.instrument);
        if image.listed {
            self.engine.list_assets(&image.terms);
        }
        self.engine.instruments.push(instrument);
        if image.call_ends_ns != 0 {
            self.engine.schedule(image.call_ends_ns, What::CallEnds(id), id - 1);
        }
        Ok(())
    }

    /// The next login.
    pub fn login(&mut self, state: &LoginState) -> Result<(), RestoreError> {
        let (id, next) = (state.terms.login.0, self.engine.logins.len() as u32 + 1);
        if id != next || next > LOGINS_MAX {
            return Err(RestoreError::Login(id));
        }
        let mut login = Login::new(state.terms);
        (login.listed, login.connected, login.disabled) = (state.listed, state.connected, state.disabled);
        login.grace_ends_ns = state.grace_ends_ns;
        self.engine.logins.push(login);
        if state.grace_ends_ns != 0 {
            self.engine.schedule(state.grace_ends_ns, What::Absence(id), id - 1);
        }
        Ok(())
    }

    /// A channel of a login that is there. Before its orders.
    pub fn channel(&mut self, image: &ChannelImage) -> Result<(), RestoreError> {
        let error = RestoreError::Channel(image.login.0, image.user_ref_idx);
        let login = self.engine.logins.get_mut((image.login.0 as usize).wrapping_sub(1));
        let login = login.ok_or(error)?;
        let sound = image.oldest <= image.last && login.last_user_ref_num(image.user_ref_idx) == 0;
        if !sound {
            return Err(error);
        }
        login.restore_channel(image.user_ref_idx, image.last, image.oldest);
        Ok(())
    }

    /// The next order at the back of its queue. After instruments, logins and channels.
    #[inline]
    pub fn order(&mut self, order: &mut Order, special: Option<&SpecialImage>) -> Result<(), RestoreError> {
        self.check(order, special.is_some_and(|image| image.special.parked))
            .map_err(|fault| RestoreError::Order(order.order_ref, fault))?;
        let engine = &mut self.engine;
        if engine.store.orders.is_full() {
            return Err(RestoreError::Capacity);
        }
        order.special = special.map_or(NONE, |image| engine.specials.insert(image.special));
        let instrument = &mut engine.instruments[order.instrument.0 as usize - 1];
        let slot = match special {
            Some(image) if image.special.parked => engine.store.orders.insert(*order),
            _ => instrument.book.append(&mut engine.store, *order),
        };
        instrument.live_orders += 1;
        if let Some(image) = special {
            self.watch(slot, order, image);
        }
        let Order { order_ref, login, user_ref_num, user_ref_idx, .. } = *order;
        self.batch.push(Owned { order_ref, login, user_ref_num, slot, user_ref_idx });
        if self.batch.len() == BATCH { self.tell_owners() } else { Ok(()) }
    }

    /// Lets owners find the orders of the batch.
    fn tell_owners(&mut self) -> Result<(), RestoreError> {
        let logins = &mut self.engine.logins;
        let owner = |owned: &Owned| owned.login.0 as usize - 1;
        // No look depends on the one before it. What is found is judged below.
        let free = self.batch.iter().fold(true, |free, owned| {
            free & (logins[owner(owned)].find(owned.user_ref_idx, owned.user_ref_num) == NONE)
        });
        for owned in self.batch.drain(..) {
            let (idx, number) = (owned.user_ref_idx, owned.user_ref_num);
            let told = logins[owner(&owned)].restore_order(owned.slot, idx, number);
            if !told || !free {
                return Err(RestoreError::Order(owned.order_ref, OrderFault::UserRefNum));
            }
        }
        Ok(())
    }

    #[inline]
    fn check(&self, order: &Order, parked: bool) -> Result<(), OrderFault> {
        let engine = &self.engine;
        let instrument = engine.instruments.get((order.instrument.0 as usize).wrapping_sub(1));
        let instrument = instrument.ok_or(OrderFault::Instrument)?;
        engine.login_at(order.login).ok_or(OrderFault::Owner)?;
        if order.order_ref == 0 || order.order_ref > engine.counters.order_ref {
            return Err(OrderFault::Number);
        }
        let buy = order.side.is_buy();
        let priced = order.tick == market_tick(buy) || instrument.price(order.tick) < PRICE_MARKET;
        if !parked && (!priced || rank_of(buy, order.tick) == NO_RANK) {
            return Err(OrderFault::Price);
        }
        if order.open == 0 { Err(OrderFault::Open) } else { Ok(()) }
    }

    /// Makes a special order findable by what it waits for.
    #[cold]
    fn watch(&mut self, slot: Slot, order: &Order, image: &SpecialImage) {
        let (engine, special) = (&mut self.engine, &image.special);
        let instrument = &mut engine.instruments[order.instrument.0 as usize - 1];
        let (order_ref, buy) = (order.order_ref, order.side.is_buy());
        let found_by = |bit: u8| image.found_by & bit != 0;
        let taker =
            (instrument.tick_at(u64::from(special.extra.discretion_price).min(PRICE_MARKET - 1)), order_ref);
        let watched = &mut instrument.watched;
        let (stops, takers) = match buy {
            true => (&mut watched.buy_stops, &mut watched.buy_discretion),
            false => (&mut watched.sell_stops, &mut watched.sell_discretion),
        };
        if found_by(SpecialImage::STOP) {
            stops.insert((special.extra.trigger_price, order_ref), slot);
        }
        if found_by(SpecialImage::DISCRETION) {
            takers.insert(taker, slot);
        }
        if found_by(SpecialImage::PEG) {
            watched.pegs.insert(order_ref, slot);
        }
        if special.parked {
            watched.parked.insert(order_ref, slot);
        }
        engine.schedule_order(special.ends_at, order_ref, slot);
    }

    /// Limits of a scope.
    pub fn limits(&mut self, state: &LimitsState) -> Result<(), RestoreError> {
        self.check_scope(state.scope)?;
        self.engine.risk.limits.insert(state.scope, Limited::restored(state));
        Ok(())
    }

    /// A kill switch that is on.
    pub fn killed(&mut self, scope: Scope) -> Result<(), RestoreError> {
        self.check_scope(scope)?;
        self.engine.risk.killed.insert(scope);
        Ok(())
    }

    /// What a scope has in an instrument.
    pub fn exposure(&mut self, state: &ExposureState) -> Result<(), RestoreError> {
        self.check_scope(state.scope)?;
        self.check_scope(Scope::Instrument(state.instrument)).or(Err(RestoreError::Scope))?;
        let exposure =
            Exposure { position: state.position, open_buy: state.open_buy, open_sell: state.open_sell };
        self.engine.risk.exposures.insert((state.scope, state.instrument), exposure);
        Ok(())
    }

    /// An instrument that is forbidden to a scope.
    pub fn restriction(&mut self, scope: Scope, instrument: InstrumentId) -> Result<(), RestoreError> {
        self.check_scope(scope)?;
        self.engine.risk.restricted.insert((scope, instrument));
        Ok(())
    }

    /// A balance.
    pub fn balance(&mut self, state: &BalanceState) {
        let balance = Balance { available: state.available, reserved: state.reserved };
        self.engine.risk.balances.insert((state.account, state.asset), balance);
    }

    /// A trade that is broken.
    pub fn busted(&mut self, match_number: MatchNumber) {
        self.engine.risk.busted.insert(match_number);
    }

    /// An asset that terms have named. After the instruments.
    pub fn asset(&mut self, state: &AssetState) {
        self.engine.restore_asset(state);
    }

    /// Whom a login traded for before.
    pub fn past_owner(&mut self, past: &PastOwner) -> Result<(), RestoreError> {
        self.check_scope(Scope::Login(past.login))?;
        self.engine.history.restore_owner(past);
        Ok(())
    }

    /// In what an instrument was paid before.
    pub fn past_assets(&mut self, past: &PastAssets) -> Result<(), RestoreError> {
        self.check_scope(Scope::Instrument(past.instrument))?;
        self.engine.history.restore_assets(past);
        Ok(())
    }

    fn check_scope(&self, scope: Scope) -> Result<(), RestoreError> {
        self.engine.check_scope(scope).map_err(|_| RestoreError::Scope)
    }

    /// The engine, whole.
    pub fn finish(mut self) -> Result<Engine, RestoreError> {
        self.tell_owners()?;
        self.engine.instruments.iter_mut().for_each(Instrument::rewatch);
        self.engine.reguard();
        Ok(self.engine)
    }
}
