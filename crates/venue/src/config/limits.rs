//! Limits as written, in the file or in an admin command.

use ringside_domain::RiskLimits;
use serde::Deserialize;

use super::number::basis_points;
use super::raw::{Checked, text, wrong};
use super::{LimitsConfig, LoginConfig, ScopeName};
use crate::admin::trades_for;

/// `[[limits]]`, and the fields of `set_limits`. An absent limit is none.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RawLimits {
    scope: String,
    #[serde(default)]
    max_quantity: u32,
    #[serde(default)]
    max_orders: u32,
    #[serde(default)]
    max_notional: u64,
    #[serde(default)]
    max_position: u64,
    #[serde(default)]
    rate: u32,
    #[serde(default)]
    burst: u32,
    fat_finger: Option<String>,
}

impl RawLimits {
    /// The limits. An error names the key and what is wrong with it.
    pub fn checked(&self) -> Result<LimitsConfig, (String, String)> {
        let fat_finger = self.fat_finger.as_deref().map_or(Ok(0), basis_points);
        if self.burst > 0 && self.rate == 0 {
            return wrong("burst", "needs a rate");
        }
        let limits = RiskLimits {
            quantity_max: self.max_quantity,
            orders_max: self.max_orders,
            notional_max: self.max_notional,
            position_max: self.max_position,
            rate_per_second: self.rate,
            rate_burst: self.burst,
            fat_finger_bps: fat_finger.or_else(|problem| wrong("fat_finger", problem))?,
        };
        Ok(LimitsConfig { scope: scope_name("scope", &self.scope)?, limits })
    }
}

/// `login:ALICE`, `firm:ALCE` or `account:HOUSE`.
pub fn scope_name(key: &str, scope: &str) -> Result<ScopeName, (String, String)> {
    match scope.split_once(':') {
        Some(("login", name)) => Ok(ScopeName::Login(text(key, name)?)),
        Some(("firm", name)) => Ok(ScopeName::Firm(text(key, name)?)),
        Some(("account", name)) => Ok(ScopeName::Account(text(key, name)?)),
        _ => wrong(key, format!("{scope:?} is none of login:NAME, firm:NAME, account:NAME")),
    }
}

/// A scope that no login of the file is in would limit nobody: a slip of the pen.
pub(super) fn limits(raw: &[RawLimits], logins: &[LoginConfig]) -> Checked<Vec<LimitsConfig>> {
    let mut all: Vec<LimitsConfig> = Vec::with_capacity(raw.len());
    for (n, raw) in raw.iter().enumerate() {
        let found = raw.checked().map_err(|(key, problem)| (format!("limits[{n}].{key}"), problem))?;
        let problem = if all.iter().any(|other| other.scope == found.scope) {
            "is there twice"
        } else if !logins.iter().any(|login| covers(found.scope, login)) {
            "covers no login of this file"
        } else {
            all.push(found);
            continue;
        };
        return wrong(format!("limits[{n}].scope"), format!("{:?} {problem}", raw.scope));
    }
    Ok(all)
}

fn covers(scope: ScopeName, login: &LoginConfig) -> bool {
    let terms = &login.terms;
    match scope {
        ScopeName::Login(name) => terms.username == name,
        ScopeName::Firm(firm) => terms.firm == firm,
        ScopeName::Account(account) => trades_for(terms, account),
    }
}
