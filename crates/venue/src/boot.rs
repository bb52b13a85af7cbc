//! What must be journaled before the first client: disconnects of logins that were connected when the venue went
//! down, and the differences between the configuration and the state.

use ringside_domain::{
    Action, Command, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms, Symbol, Username,
};
use ringside_engine::{Engine, Instrument};

use crate::config::{Config, ConfigError, InstrumentConfig, LoginConfig};

/// The first commands of a start: a session if there is none, then the disconnects. Their cancels come before
/// everything else.
pub fn reconcile_sessions(engine: &Engine) -> Vec<Command> {
    let venue = |action| Command { login: LoginId::VENUE, action };
    let session = (engine.counters().session == 0).then(|| venue(Action::StartSession(1)));
    let connected = engine.logins().iter().filter(|login| login.connected);
    let disconnects = connected.map(|login| Command { login: login.terms.login, action: Action::Disconnect });
    session.into_iter().chain(disconnects).collect()
}

/// The commands that turn the state's configuration into the file's.
pub fn reconcile_configuration(engine: &Engine, config: &Config) -> Result<Vec<Command>, ConfigError> {
    let mut actions = Vec::new();
    instruments(engine, config, &mut actions)?;
    logins(engine, config, &mut actions)?;
    Ok(actions.into_iter().map(|action| Command { login: LoginId::VENUE, action }).collect())
}

fn instruments(engine: &Engine, config: &Config, actions: &mut Vec<Action>) -> Result<(), ConfigError> {
    for known in engine.instruments().iter().filter(|known| known.listed) {
        let symbol = known.terms.symbol;
        if config.instruments.iter().any(|wanted| wanted.symbol == symbol) {
            continue;
        }
        if known.live_orders > 0 {
            return Err(live_orders(config, symbol, known, "cannot be removed"));
        }
        actions.push(Action::RemoveInstrument(known.terms.instrument));
    }
    let mut next = engine.instruments().len() as u32;
    for wanted in &config.instruments {
        match find_instrument(engine, wanted.symbol) {
            None => {
                next += 1;
                actions.push(Action::AddInstrument(instrument_terms(InstrumentId(next), wanted)));
            }
            Some(known) => change_instrument(config, known, wanted, actions)?,
        }
    }
    Ok(())
}

fn change_instrument(
    config: &Config,
    known: &Instrument,
    wanted: &InstrumentConfig,
    actions: &mut Vec<Action>,
) -> Result<(), ConfigError> {
    let terms = instrument_terms(known.terms.instrument, wanted);
    if terms == known.terms && known.listed {
        return Ok(());
    }
    let prices_change = terms.tick != known.terms.tick || terms.price_decimals != known.terms.price_decimals;
    if prices_change && known.live_orders > 0 {
        return Err(live_orders(config, wanted.symbol, known, "cannot change its tick size or decimals"));
    }
    actions.push(Action::ChangeInstrument(terms));
    Ok(())
}

fn live_orders(config: &Config, symbol: Symbol, known: &Instrument, what: &str) -> ConfigError {
    ConfigError {
        file: config.file.clone(),
        key: format!("instrument {symbol}"),
        problem: format!("has {} live orders and {what}", known.live_orders),
    }
}

fn logins(engine: &Engine, config: &Config, actions: &mut Vec<Action>) -> Result<(), ConfigError> {
    for known in engine.logins().iter().filter(|known| known.listed) {
        let username = known.terms.username;
        if config.logins.iter().any(|wanted| wanted.username == username) {
            continue;
        }
        if known.live_orders > 0 {
            // Nobody could cancel them any more.
            return Err(ConfigError {
                file: config.file.clone(),
                key: format!("login {username}"),
                problem: format!("has {} live orders and cannot be removed", known.live_orders),
            });
        }
        actions.push(Action::RemoveLogin(known.terms.login));
    }
    let mut next = engine.logins().len() as u32;
    for wanted in &config.logins {
        match login_id(engine, wanted.username) {
            None => {
                next += 1;
                actions.push(Action::AddLogin(login_terms(LoginId(next), wanted)));
            }
            Some(id) => {
                let known = &engine.logins()[id.0 as usize - 1];
                let terms = login_terms(id, wanted);
                if terms != known.terms || !known.listed {
                    actions.push(Action::ChangeLogin(terms));
                }
            }
        }
    }
    Ok(())
}

fn find_instrument(engine: &Engine, symbol: Symbol) -> Option<&Instrument> {
    engine.instruments().iter().find(|known| known.terms.symbol == symbol)
}

/// The id of a username that was ever configured.
pub fn login_id(engine: &Engine, username: Username) -> Option<LoginId> {
    engine.logins().iter().find(|known| known.terms.username == username).map(|known| known.terms.login)
}

fn instrument_terms(instrument: InstrumentId, wanted: &InstrumentConfig) -> InstrumentTerms {
    InstrumentTerms {
        instrument,
        symbol: wanted.symbol,
        tick: wanted.tick,
        lot: wanted.lot,
        price_decimals: wanted.price_decimals,
        quantity_decimals: wanted.quantity_decimals,
        ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
    }
}

fn login_terms(login: LoginId, wanted: &LoginConfig) -> LoginTerms {
    LoginTerms {
        login,
        username: wanted.username,
        firm: wanted.firm,
        cancel_on_disconnect: wanted.cancel_on_disconnect,
        ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
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
        let mut commands = reconcile_sessions(engine);
        commands.iter().for_each(|command| engine.apply(1, command, &mut |_: Event| {}));
        let differences = reconcile_configuration(engine, config)?;
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
        assert_eq!(start(&mut engine, &config(TWO)).unwrap().len(), 4);
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
        let other_tick = TWO.replacen("0.01", "0.02", 1);
        let error = start(&mut engine, &config(&other_tick)).unwrap_err();
        assert!(error.problem.contains("1 live orders"), "{error}");
    }
}
