//! Assets and their decimals. An asset has one number of them, whatever it is used for (rules.md §12): balances are counted in
//! its smallest unit.

use ringside_domain::state::AssetState;
use ringside_domain::{Asset, InstrumentTerms};

use crate::Engine;

/// What is known of an asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    /// Of its smallest unit; what the terms said last that named it.
    decimals: u16,
    /// Listed instruments that name it.
    instruments: u32,
}

impl Engine {
    /// False when terms give an asset another number of decimals than other listed instruments do, or than it has had while
    /// somebody has some of it. `old`: the terms that these take the place of, if they are in force.
    pub(crate) fn decimals_agree(&self, terms: &InstrumentTerms, old: Option<&InstrumentTerms>) -> bool {
        let agrees = |(asset, decimals): (Asset, u16)| {
            let Some(known) = self.risk.assets.get(&asset) else { return true };
            let own = old.is_some_and(|old| assets(old).any(|(named, _)| named == asset));
            known.decimals == decimals || (known.instruments == u32::from(own) && !self.is_held(asset))
        };
        assets(terms).all(agrees)
    }

    /// Somebody has some of it, or owes some. A walk over all balances.
    fn is_held(&self, asset: Asset) -> bool {
        let of_asset = self.risk.balances.iter().filter(|((_, held), _)| *held == asset);
        of_asset.into_iter().any(|(_, balance)| balance.available + balance.reserved != 0)
    }

    /// Terms have come into force.
    pub(crate) fn list_assets(&mut self, terms: &InstrumentTerms) {
        for (asset, decimals) in assets(terms) {
            let known = self.risk.assets.entry(asset).or_insert(Known { decimals, instruments: 0 });
            known.decimals = decimals;
            known.instruments += 1;
        }
    }

    /// Terms are no longer in force.
    pub(crate) fn unlist_assets(&mut self, terms: &InstrumentTerms) {
        for (asset, _) in assets(terms) {
            let known = self.risk.assets.get_mut(&asset).expect("Invariant: listed assets are known");
            known.instruments -= 1;
        }
    }

    /// What was known of an asset, as it was. Listed instruments are counted already.
    pub(crate) fn restore_asset(&mut self, state: &AssetState) {
        let unlisted = Known { decimals: state.decimals, instruments: 0 };
        self.risk.assets.entry(state.asset).or_insert(unlisted).decimals = state.decimals;
    }

    /// Assets that terms have ever named.
    pub fn asset_states(&self) -> impl Iterator<Item = AssetState> + '_ {
        self.risk.assets.iter().map(|(asset, known)| AssetState { asset: *asset, decimals: known.decimals })
    }
}

/// Assets of an instrument in balances mode with the decimals of their smallest unit.
fn assets(terms: &InstrumentTerms) -> impl Iterator<Item = (Asset, u16)> + use<> {
    let quantity = u16::from(terms.quantity_decimals);
    let both = [(terms.base, quantity), (terms.quote, u16::from(terms.price_decimals) + quantity)];
    both.into_iter().filter(|(asset, _)| !asset.is_blank())
}
