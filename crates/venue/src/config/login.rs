//! A login as written.

use ringside_domain::{LoginId, LoginTerms, SelfTradePrevention};
use ringside_gateway::Password;
use ringside_gateway::auth::is_password_hash;
use serde::Deserialize;

use super::LoginConfig;
use super::number::milliseconds;
use super::raw::{Checked, text, wrong};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLogin {
    username: String,
    password: Option<String>,
    password_hash: Option<String>,
    certificate_name: Option<String>,
    firm: String,
    account: Option<String>,
    #[serde(default)]
    cancel_on_disconnect: bool,
    cancel_on_disconnect_grace: Option<String>,
    self_trade_prevention: Option<String>,
}

impl RawLogin {
    pub(super) fn checked(self) -> Checked<LoginConfig> {
        let terms = LoginTerms {
            account: self.account.as_deref().map_or(Ok(Default::default()), |name| text("account", name))?,
            cancel_on_disconnect: self.cancel_on_disconnect,
            disconnect_grace_ms: grace(
                self.cancel_on_disconnect,
                self.cancel_on_disconnect_grace.as_deref(),
            )?,
            self_trade_prevention: prevention(self.self_trade_prevention.as_deref().unwrap_or("none"))?,
            ..LoginTerms::plain(LoginId(0), text("username", &self.username)?, text("firm", &self.firm)?)
        };
        let certificate_name = self.certificate_name.map(certificate_name).transpose()?;
        Ok(LoginConfig { terms, password: password(self.password, self.password_hash)?, certificate_name })
    }
}

/// A grace without anything to be spared from is a mistake.
fn grace(cancel_on_disconnect: bool, text: Option<&str>) -> Checked<u32> {
    const KEY: &str = "cancel_on_disconnect_grace";
    match milliseconds(text.unwrap_or("0s")) {
        Err(problem) => wrong(KEY, problem),
        Ok(ms) if ms > 0 && !cancel_on_disconnect => wrong(KEY, "needs cancel_on_disconnect = true"),
        Ok(ms) => Ok(ms),
    }
}

fn prevention(mode: &str) -> Checked<SelfTradePrevention> {
    match mode {
        "none" => Ok(SelfTradePrevention::None),
        "cancel-newest" => Ok(SelfTradePrevention::CancelNewest),
        "cancel-oldest" => Ok(SelfTradePrevention::CancelOldest),
        "cancel-both" => Ok(SelfTradePrevention::CancelBoth),
        "decrement" => Ok(SelfTradePrevention::Decrement),
        other => wrong(
            "self_trade_prevention",
            format!("{other:?} is none of none, cancel-newest, cancel-oldest, cancel-both, decrement"),
        ),
    }
}

fn certificate_name(name: String) -> Checked<String> {
    match name.trim().is_empty() || name.chars().any(char::is_control) {
        true => wrong("certificate_name", format!("{name:?} is no name of a certificate")),
        false => Ok(name),
    }
}

fn password(plain: Option<String>, hash: Option<String>) -> Checked<Password> {
    match (plain, hash) {
        (Some(password), None) if is_sendable(&password) => Ok(Password::Plain(password)),
        (Some(_), None) => wrong("password", "must be 1 to 10 printable ASCII characters (SoupBinTCP)"),
        (None, Some(hash)) if is_password_hash(&hash) => Ok(Password::Hash(hash)),
        (None, Some(_)) => wrong("password_hash", "is not an $argon2id$ string"),
        _ => wrong("password", "exactly one of password and password_hash is needed"),
    }
}

/// What a SoupBinTCP login request can carry: blanks at the end are padding.
fn is_sendable(password: &str) -> bool {
    let printable = password.bytes().all(|b| (0x20..0x7f).contains(&b));
    (1..=10).contains(&password.len()) && printable && !password.ends_with(' ')
}
