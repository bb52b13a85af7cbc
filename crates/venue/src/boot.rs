//! What must be journaled before the first client: disconnects of logins that were connected when the venue went
//! down, what has become due meanwhile, and the differences between the configuration and the state.
//!
//! The file is the truth for what it names. Instruments and limits that it does not name are the operator's, who added
//! them by admin commands: they stay. An instrument that the file *used to* name is removed ([`Named`] remembers).

use std::collections::{BTreeMap, BTreeSet};

use ringside_domain::{
    Action, Command, InstrumentId, InstrumentTerms, LoginId, LoginTerms, RiskLimits, Rules, Scope, SetLimits,
    Symbol, TimeNs, Username,
};
use ringside_engine::{Engine, Instrument};

use crate::config::{Config, ConfigError, LimitsConfig, ScopeName};
use crate::named::Named;

/// The first commands of a start: the newest rules if the journal is under older ones, a session if there is none, a key for draws
/// if there is none (a journal of before there were keys gets one), then the disconnects. Their cancels come before everything
/// else.
pub fn reconcile_sessions(engine: &Engine, key: [u64; 2]) -> Vec<Command> {
    let counters = engine.counters();
    let session = (counters.session == 0).then(|| venue(Action::StartSession(1)));
    // First of all: what follows is meant by the rules of today.
    let rules = (counters.rules < Rules::NEWEST).then(|| venue(Action::SetRules(Rules::NEWEST)));
    let key = (counters.key == [0, 0]).then(|| venue(Action::SetKey(key)));
    let first = rules.into_iter().chain(session).chain(key);
    let connected = engine.logins().iter().filter(|login| login.connected);
    let disconnects = connected.map(|login| Command { login: login.terms.login, action: Action::Disconnect });
    first.chain(disconnects).collect()
}

/// Lets happen what became due while the venue was down.
pub fn overdue(engine: &Engine, now: TimeNs) -> Option<Command> {
    engine.next_due().filter(|due| *due <= now).map(|_| venue(Action::Tick))
}

/// The commands that turn the state's configuration into the file's.
pub fn reconcile_configuration(
    engine: &Engine,
    config: &Config,
    named: &Named,
) -> Result<Vec<Command>, ConfigError> {
    let mut actions = Vec::new();
    instruments(engine, config, named, &mut actions)?;
    let ids = logins(engine, config, &mut actions)?;
    limits(engine, config, &ids, &mut actions);
    Ok(actions.into_iter().map(venue).collect())
}

/// The session ends that should have ended while the venue was down.
pub fn roll() -> Command {
    venue(Action::RollSession)
}

fn venue(action: Action) -> Command {
    Command { login: LoginId::VENUE, action }
}

fn instruments(
    engine: &Engine,
    config: &Config,
    named: &Named,
    actions: &mut Vec<Action>,
) -> Result<(), ConfigError> {
    let wanted: BTreeSet<Symbol> = config.instruments.iter().map(|terms| terms.symbol).collect();
    let gone =
        engine.instruments().iter().filter(|known| known.listed && !wanted.contains(&known.terms.symbol));
    for known in gone.filter(|known| named.contains(known.terms.symbol)) {
        if known.live_orders > 0 {
            return Err(live_orders(config, known.terms.symbol, known, "cannot be removed"));
        }
        actions.push(Action::RemoveInstrument(known.terms.instrument));
    }
    let known: BTreeMap<Symbol, &Instrument> =
        engine.instruments().iter().map(|known| (known.terms.symbol, known)).collect();
    let mut next = engine.instruments().len() as u32;
    for wanted in &config.instruments {
        match known.get(&wanted.symbol) {
            None => {
                next += 1;
                let instrument = InstrumentId(next);
                actions.push(Action::AddInstrument(InstrumentTerms { instrument, ..*wanted }));
            }
            Some(known) => {
                let terms = InstrumentTerms { instrument: known.terms.instrument, ..*wanted };
                let same = terms == known.terms && known.listed;
                actions.extend((!same).then_some(Action::ChangeInstrument(terms)));
            }
        }
    }
    Ok(())
}

/// Fields in which the terms of the file differ from those in force, by their keys in the file.
pub fn differences(file: &InstrumentTerms, state: &InstrumentTerms) -> Vec<&'static str> {
    let fields = [
        ("tick_size", file.tick == state.tick),
        ("lot_size", file.lot == state.lot),
        ("price_decimals", file.price_decimals == state.price_decimals),
        ("quantity_decimals", file.quantity_decimals == state.quantity_decimals),
        ("allocation", file.allocation == state.allocation),
        ("tick_table", file.tick_ranges == state.tick_ranges),
        ("collar.low", file.collar_low == state.collar_low),
        ("collar.high", file.collar_high == state.collar_high),
        ("band", file.band_bps == state.band_bps),
        ("volatility_call", file.volatility_call_ms == state.volatility_call_ms),
        ("random_end", file.random_end_ms == state.random_end_ms),
        ("reference_price", file.reference_price == state.reference_price),
        ("base", file.base == state.base),
        ("quote", file.quote == state.quote),
        ("maker_fee", file.maker_fee_ppm == state.maker_fee_ppm),
        ("taker_fee", file.taker_fee_ppm == state.taker_fee_ppm),
    ];
    fields.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
}

/// The terms in force of a listed instrument that a command would change.
pub fn listed_terms<'a>(
    engine: &'a Engine,
    action: &Action,
) -> Option<(&'a InstrumentTerms, InstrumentTerms)> {
    let Action::ChangeInstrument(wanted) = action else { return None };
    let known = engine.instruments().get((wanted.instrument.0 as usize).wrapping_sub(1))?;
    known.listed.then_some((&known.terms, *wanted))
}

fn live_orders(config: &Config, symbol: Symbol, known: &Instrument, what: &str) -> ConfigError {
    ConfigError {
        file: config.file.clone(),
        key: format!("instrument {symbol}"),
        problem: format!("has {} live orders and {what}", known.live_orders),
    }
}

/// Returns the ids of all names, those that are about to be added included.
fn logins(
    engine: &Engine,
    config: &Config,
    actions: &mut Vec<Action>,
) -> Result<BTreeMap<Username, LoginId>, ConfigError> {
    let wanted: BTreeSet<Username> = config.logins.iter().map(|login| login.terms.username).collect();
    for known in
        engine.logins().iter().filter(|known| known.listed && !wanted.contains(&known.terms.username))
    {
        if known.live_orders > 0 {
            // Nobody could cancel them any more.
            return Err(ConfigError {
                file: config.file.clone(),
                key: format!("login {}", known.terms.username),
                problem: format!("has {} live orders and cannot be removed", known.live_orders),
            });
        }
        actions.push(Action::RemoveLogin(known.terms.login));
    }
    let mut ids = login_ids(engine);
    for wanted in &config.logins {
        let next = LoginId(ids.len() as u32 + 1);
        let login = *ids.entry(wanted.terms.username).or_insert(next);
        let terms = LoginTerms { login, ..wanted.terms };
        match engine.logins().get(login.0 as usize - 1) {
            None => actions.push(Action::AddLogin(terms)),
            Some(known) if terms != known.terms || !known.listed => actions.push(Action::ChangeLogin(terms)),
            Some(_) => {}
        }
    }
    Ok(ids)
}

/// Ids of all usernames that were ever configured.
pub fn login_ids(engine: &Engine) -> BTreeMap<Username, LoginId> {
    engine.logins().iter().map(|known| (known.terms.username, known.terms.login)).collect()
}

fn limits(engine: &Engine, config: &Config, ids: &BTreeMap<Username, LoginId>, actions: &mut Vec<Action>) {
    let known: BTreeMap<Scope, RiskLimits> =
        engine.limits_states().map(|known| (known.scope, known.limits)).collect();
    for LimitsConfig { scope, limits } in &config.limits {
        let scope = match scope {
            // Invariant: limits cover logins of the file only, and those have ids by now.
            ScopeName::Login(name) => ids.get(name).copied().map(Scope::Login),
            ScopeName::Firm(firm) => Some(Scope::Firm(*firm)),
            ScopeName::Account(account) => Some(Scope::Account(*account)),
        };
        let different = scope.filter(|scope| known.get(scope).copied().unwrap_or_default() != *limits);
        actions.extend(different.map(|scope| Action::SetLimits(SetLimits { scope, limits: *limits })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_domain::Event;
    use ringside_engine::Limits;

    fn config(text: &str) -> Config {
        Config::parse("test.toml", text).unwrap()
    }

    fn start(engine: &mut Engine, config: &Config) -> Result<Vec<Command>, ConfigError> {
        start_knowing(engine, config, &Named::Everything)
    }

    fn start_knowing(
        engine: &mut Engine,
        config: &Config,
        named: &Named,
    ) -> Result<Vec<Command>, ConfigError> {
        let mut commands = reconcile_sessions(engine, [7, 9]);
        commands.iter().for_each(|command| engine.apply(1, command, &mut |_: Event| {}));
        let differences = reconcile_configuration(engine, config, named)?;
        differences.iter().for_each(|command| engine.apply(1, command, &mut |_: Event| {}));
        commands.extend(differences);
        Ok(commands)
    }

    const TWO: &str = "[[instrument]]\nsymbol = \"A\"\ntick_size = \"0.01\"\n[[instrument]]\nsymbol = \"B\"\n\
        tick_size = \"0.01\"\n[[login]]\nusername = \"ALICE\"\npassword = \"x\"\nfirm = \"ALCE\"\n";
    const ONE: &str = "[[instrument]]\nsymbol = \"B\"\ntick_size = \"0.05\"\n";

    fn buy(symbol: &str) -> Command {
        let enter = ringside_domain::Enter {
            user_ref_num: 1,
            quantity: 10,
            price: 10_000,
            symbol: Symbol::new(symbol).unwrap(),
            client_order_id: Default::default(),
            side: b'B',
            time_in_force: b'0',
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: b'N',
            options: Default::default(),
        };
        Command { login: LoginId(1), action: Action::Enter(enter) }
    }

    #[test]
    fn a_second_start_with_the_same_file_journals_nothing() {
        let mut engine = Engine::new(Limits { orders_max: 10 });
        assert_eq!(start(&mut engine, &config(TWO)).unwrap().len(), 6);
        assert_eq!(start(&mut engine, &config(TWO)).unwrap(), []);
    }

    #[test]
    fn what_left_the_file_is_removed_and_comes_back_under_its_old_id() {
        let mut engine = Engine::new(Limits { orders_max: 10 });
        start(&mut engine, &config(TWO)).unwrap();
        let changes = start(&mut engine, &config(ONE)).unwrap();
        assert_eq!(changes.len(), 3, "{changes:?}");
        assert!(!engine.instruments()[0].listed && !engine.logins()[0].listed);
        start(&mut engine, &config(TWO)).unwrap();
        assert!(engine.instruments()[0].listed && engine.logins()[0].listed);
        assert_eq!((engine.instruments().len(), engine.logins().len()), (2, 1));
    }

    #[test]
    fn an_instrument_with_live_orders_is_not_removed() {
        let mut engine = Engine::new(Limits { orders_max: 10 });
        start(&mut engine, &config(TWO)).unwrap();
        engine.apply(1, &buy("A"), &mut |_: Event| {});
        let error = start(&mut engine, &config(ONE)).unwrap_err();
        assert_eq!((error.key.as_str(), error.file.as_str()), ("instrument A", "test.toml"));
    }

    #[test]
    fn differences_are_named_by_their_keys() {
        let plain = config(TWO).instruments[0];
        let other = InstrumentTerms { tick: 500, collar_high: 9, ..plain };
        assert_eq!(differences(&plain, &other), ["tick_size", "collar.high"]);
        assert!(differences(&plain, &plain).is_empty());
    }

    #[test]
    fn what_the_file_never_named_stays_with_its_orders() {
        let mut engine = Engine::new(Limits { orders_max: 10 });
        start(&mut engine, &config(TWO)).unwrap();
        engine.apply(1, &buy("A"), &mut |_: Event| {});
        let one = ONE.to_string() + &TWO[TWO.find("[[login]]").unwrap()..];
        let only_b = Named::These([Symbol::new("B").unwrap()].into());
        let changes = start_knowing(&mut engine, &config(&one), &only_b).unwrap();
        assert_eq!(changes.len(), 1, "B's tick alone changes: {changes:?}");
        assert!(engine.instruments()[0].listed);
    }

    #[test]
    fn a_key_is_drawn_with_the_session_and_never_again() {
        let mut engine = Engine::new(Limits { orders_max: 10 });
        // A journal of before there were keys.
        engine.apply(1, &venue(Action::SetSeed(5)), &mut |_: Event| {});
        let first = reconcile_sessions(&engine, [7, 9]);
        assert_eq!(
            first.iter().map(|c| c.action).collect::<Vec<_>>(),
            [Action::SetRules(Rules::NEWEST), Action::StartSession(1), Action::SetKey([7, 9])]
        );
        first.iter().for_each(|command| engine.apply(1, command, &mut |_: Event| {}));
        assert_eq!(reconcile_sessions(&engine, [8, 8]), []);
    }

    #[test]
    fn limits_go_to_logins_that_the_same_start_adds() {
        let text = format!("{TWO}[[limits]]\nscope = \"login:ALICE\"\nmax_orders = 3\n");
        let engine = Engine::new(Limits { orders_max: 10 });
        let commands = reconcile_configuration(&engine, &config(&text), &Named::Everything).unwrap();
        let limits = RiskLimits { orders_max: 3, ..RiskLimits::default() };
        let wanted = SetLimits { scope: Scope::Login(LoginId(1)), limits };
        assert_eq!(commands.last().unwrap().action, Action::SetLimits(wanted));
    }

    #[test]
    fn ten_thousand_instruments_boot_and_boot_again_at_once() {
        let table = |n| format!("[[instrument]]\nsymbol = \"S{n}\"\ntick_size = \"0.01\"\n");
        let text: String = (0..10_000).map(table).collect();
        let config = config(&text);
        let mut engine = Engine::new(Limits { orders_max: 10 });
        let since = std::time::Instant::now();
        assert_eq!(start(&mut engine, &config).unwrap().len(), 10_003);
        assert_eq!(start(&mut engine, &config).unwrap(), []);
        assert!(since.elapsed() < std::time::Duration::from_secs(5), "{:?}", since.elapsed());
    }
}
