//! A simple endless order flow for measurements: two thirds passive orders and their cancels around a wandering
//! touch, the rest aggressive. Same seed, same flow.

use crate::random::Prng;
use ringside_domain::{
    Action, Cancel, ClientOrderId, Command, Enter, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms,
    OrderOptions, Symbol, Text, Username,
};

/// Orders that rest before cancels begin.
const RESTING: usize = 1_000;

/// Configuration that the flow needs: one instrument, one login.
pub fn setup() -> [Command; 2] {
    let terms = InstrumentTerms {
        instrument: InstrumentId(1),
        symbol: symbol(),
        tick: 2_500,
        lot: 1,
        price_decimals: 4,
        quantity_decimals: 0,
        ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
    };
    let login = LoginTerms {
        login: LoginId(1),
        username: Text::new("BENCH").expect("short"),
        firm: Text::new("BNCH").expect("short"),
        cancel_on_disconnect: false,
        ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
    };
    [Action::AddInstrument(terms), Action::AddLogin(login)]
        .map(|action| Command { login: LoginId::VENUE, action })
}

/// The instrument.
pub fn symbol() -> Symbol {
    Symbol::new("ESH4").expect("short")
}

/// A new order of the bench login.
pub fn enter(user_ref_num: u32, side: u8, quantity: u32, price: u64, time_in_force: u8) -> Enter {
    Enter {
        user_ref_num,
        quantity,
        price,
        symbol: symbol(),
        client_order_id: ClientOrderId::BLANK,
        side,
        time_in_force,
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        options: OrderOptions::default(),
    }
}

/// The flow: endless, of the login that [`setup`] adds.
#[derive(Debug)]
pub struct SteadyFlow {
    random: Prng,
    /// Last UserRefNum given.
    next: u32,
    middle: u64,
    resting: Vec<u32>,
}

impl Default for SteadyFlow {
    fn default() -> Self {
        SteadyFlow::new()
    }
}

impl SteadyFlow {
    /// A flow that always starts the same.
    pub fn new() -> Self {
        SteadyFlow {
            random: Prng::new(20_231_225),
            next: 0,
            middle: 48_000_000,
            resting: Vec::with_capacity(RESTING * 2),
        }
    }

    fn passive(&mut self) -> Action {
        self.next += 1;
        self.resting.push(self.next);
        let away = 2_500 * (1 + self.random.below(40));
        let (side, price) =
            if self.random.chance(50) { (b'B', self.middle - away) } else { (b'S', self.middle + away) };
        Action::Enter(enter(self.next, side, 1 + self.random.below(100) as u32, price, b'0'))
    }

    fn aggressive(&mut self) -> Action {
        self.next += 1;
        let (side, price) =
            if self.random.chance(50) { (b'B', self.middle + 10_000) } else { (b'S', self.middle - 10_000) };
        Action::Enter(enter(self.next, side, 1 + self.random.below(150) as u32, price, b'3'))
    }

    fn cancel(&mut self) -> Action {
        let at = self.random.below(self.resting.len() as u64) as usize;
        let user_ref_num = self.resting.swap_remove(at);
        Action::Cancel(Cancel { user_ref_num, quantity: 0, user_ref_idx: 0 })
    }
}

impl Iterator for SteadyFlow {
    type Item = Command;

    fn next(&mut self) -> Option<Command> {
        if self.random.chance(2) {
            self.middle = if self.random.chance(50) { self.middle + 2_500 } else { self.middle - 2_500 };
        }
        let action = match self.random.below(100) {
            0..12 => self.aggressive(),
            12..56 if self.resting.len() >= RESTING => self.cancel(),
            _ => self.passive(),
        };
        Some(Command { login: LoginId(1), action })
    }
}
