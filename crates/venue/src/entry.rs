//! Order entry from the configuration: listeners, credentials, and what the operator should be warned of.

use std::collections::BTreeMap;

use ringside_domain::Username;
use ringside_engine::Engine;
use ringside_gateway::{
    Credential, Gateway, GatewayError, GatewayOptions, ListenOptions, TransportKind, tls,
};
use tracing::warn;

use crate::boot::login_ids;
use crate::config::{Config, ConfigError, LoginConfig, TlsEntry};
use crate::venue::VenueError;

/// Where to listen, with keys and certificates read. Wrong ones are told before a journal is opened.
pub(crate) fn listen_options(config: &Config) -> Result<ListenOptions, ConfigError> {
    let order_entry = &config.order_entry;
    let tls = match &order_entry.tls {
        None => None,
        Some(TlsEntry { listen, files }) => {
            let setup = tls::load(files)
                .map_err(|error| wrong(config, &format!("order_entry.tls.{}", error.key), error.problem))?;
            setup.warnings.iter().for_each(|warning| warn!(%warning, "certificate"));
            Some((*listen, setup.config))
        }
    };
    Ok(ListenOptions { tcp: order_entry.listen, tls, unix: order_entry.unix.clone() })
}

/// A listener that cannot be had is the configuration's fault.
pub(crate) fn open_gateways(config: &Config, options: GatewayOptions) -> Result<Vec<Gateway>, VenueError> {
    Gateway::several(options, config.pipeline.gateways).map_err(|error| match error {
        GatewayError::Listen { listener, .. } => {
            let key = match listener {
                TransportKind::Tcp => "order_entry.listen",
                TransportKind::Tls => "order_entry.tls.listen",
                TransportKind::Unix => "order_entry.unix",
            };
            VenueError::Config(wrong(config, key, error.to_string()))
        }
        other => VenueError::Gateway(other),
    })
}

fn wrong(config: &Config, key: &str, problem: String) -> ConfigError {
    ConfigError { file: config.file.clone(), key: key.into(), problem }
}

/// The certificates that logins are bound to.
pub(crate) fn certificate_names(config: &Config) -> BTreeMap<Username, String> {
    let bound = |login: &LoginConfig| Some((login.terms.username, login.certificate_name.clone()?));
    config.logins.iter().filter_map(bound).collect()
}

/// Who may connect, and with what.
pub(crate) fn credentials(config: &Config, engine: &Engine) -> Vec<Credential> {
    let plain = config.logins.iter().filter(|login| login.demo_password().is_some()).count();
    if plain > 0 {
        warn!(logins = plain, "passwords in the clear: for demonstrations only, use password_hash");
    }
    if config.exposed {
        warn!(file = config.file, "others can read the passwords or the token in this file: chmod 0600 it");
    }
    let ids = login_ids(engine);
    let known = config.logins.iter().filter_map(|login| {
        let username = login.terms.username;
        let login_id = *ids.get(&username)?;
        Some(Credential { username, login: login_id, password: login.password.clone() })
    });
    known.collect()
}
