//! What trades were settled by, where it has changed since: a bust puts back what was moved, not what would be moved today
//! (rules.md §13). Grows by one entry at most with a command that changes such terms.

use alloc::collections::BTreeMap;

use ringside_domain::state::{PastAssets, PastOwner};
use ringside_domain::{Account, Asset, Firm, InstrumentId, LoginId, LoginTerms, MatchNumber};

use crate::Engine;
use crate::risk::account_of;

/// Terms of before, each by whose they are and the last match that they were in force for.
#[derive(Debug, Default)]
pub(crate) struct History {
    owners: BTreeMap<(LoginId, MatchNumber), (Account, Firm)>,
    assets: BTreeMap<(InstrumentId, MatchNumber), (Asset, Asset)>,
}

impl History {
    pub(crate) fn restore_owner(&mut self, past: &PastOwner) {
        self.owners.insert((past.login, past.until), (past.account, past.firm));
    }

    pub(crate) fn restore_assets(&mut self, past: &PastAssets) {
        self.assets.insert((past.instrument, past.until), (past.base, past.quote));
    }
}

/// What was in force for a match; `None`: what is in force now.
fn at<K: Ord + Copy, V: Copy>(
    past: &BTreeMap<(K, MatchNumber), V>,
    key: K,
    match_number: MatchNumber,
) -> Option<V> {
    past.range((key, match_number)..).next().filter(|((found, _), _)| *found == key).map(|(_, terms)| *terms)
}

impl Engine {
    /// Notes the terms of a login that are about to change. Before the first match there is nothing to note, and of several
    /// changes between two matches only the first took terms away that a match was settled by.
    pub(crate) fn note_owner(&mut self, old: &LoginTerms, new: &LoginTerms) {
        let (before, after) = ((account_of(old), old.firm), (account_of(new), new.firm));
        let last = self.counters.trades;
        if before != after && last > 0 {
            self.history.owners.entry((old.login, last)).or_insert(before);
        }
    }

    /// The same for the assets (base, quote) of an instrument.
    pub(crate) fn note_assets(&mut self, instrument: InstrumentId, old: (Asset, Asset), new: (Asset, Asset)) {
        let last = self.counters.trades;
        if old != new && last > 0 {
            self.history.assets.entry((instrument, last)).or_insert(old);
        }
    }

    /// Whom a login traded for in a match.
    pub(crate) fn owner_at(&self, login: LoginId, match_number: MatchNumber) -> (Account, Firm) {
        at(&self.history.owners, login, match_number).unwrap_or_else(|| {
            let terms = &self.login(login).terms;
            (account_of(terms), terms.firm)
        })
    }

    /// In what a match was paid: base and quote, blank outside balances mode.
    pub(crate) fn assets_at(&self, instrument: InstrumentId, match_number: MatchNumber) -> (Asset, Asset) {
        at(&self.history.assets, instrument, match_number).unwrap_or_else(|| {
            let terms = &self.instruments[instrument.0 as usize - 1].terms;
            (terms.base, terms.quote)
        })
    }

    /// Accounts and firms that logins traded for before.
    pub fn past_owners(&self) -> impl Iterator<Item = PastOwner> + '_ {
        let past = self.history.owners.iter();
        past.map(|(&(login, until), &(account, firm))| PastOwner { login, until, account, firm })
    }

    /// Assets that instruments were paid in before.
    pub fn past_assets(&self) -> impl Iterator<Item = PastAssets> + '_ {
        let past = self.history.assets.iter();
        past.map(|(&(instrument, until), &(base, quote))| PastAssets { instrument, until, base, quote })
    }
}
