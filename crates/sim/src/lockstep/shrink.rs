//! Delta debugging: the same failure with less.

use ringside_domain::{
    Action, ClientOrderId, Command, Enter, Firm, InstrumentTerms, LoginTerms, OrderOptions, Replace, TimeNs,
};

/// Takes away as much as it can while `fails` stays true: ever smaller chunks, until no single item can go.
pub fn shrink<T: Clone>(mut items: Vec<T>, mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut chunk = items.len().div_ceil(2);
    while chunk > 0 {
        let before = items.len();
        items = without_chunks(items, chunk, &mut fails);
        let again = chunk == 1 && items.len() < before;
        chunk = if again { 1 } else { chunk / 2 };
    }
    items
}

/// From the end, because what comes last depends on what comes first.
fn without_chunks<T: Clone>(mut items: Vec<T>, chunk: usize, fails: &mut impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut end = items.len();
    while end > 0 {
        let start = end.saturating_sub(chunk);
        let rest = [&items[..start], &items[end..]].concat();
        if fails(&rest) {
            items = rest;
        }
        end = start;
    }
    items
}

/// Fewer commands, then plainer ones, then plainer times.
pub(super) fn steps(
    steps: Vec<(TimeNs, Command)>,
    mut fails: impl FnMut(&[(TimeNs, Command)]) -> bool,
) -> Vec<(TimeNs, Command)> {
    let mut steps = shrink(steps, &mut fails);
    for index in 0..steps.len() {
        while let Some(plainer) = plainer(&steps[index].1).into_iter().find(|command| {
            let mut tried = steps.clone();
            tried[index].1 = *command;
            fails(&tried)
        }) {
            steps[index].1 = plainer;
        }
    }
    let plain_times: Vec<_> = (1..).zip(&steps).map(|(time_ns, (_, command))| (time_ns, *command)).collect();
    if fails(&plain_times) { plain_times } else { steps }
}

/// The same command with one thing less, each in its turn.
fn plainer(command: &Command) -> Vec<Command> {
    let with = |action| Command { action, ..*command };
    match command.action {
        Action::Enter(enter) => {
            let options = plainer_options(&enter.options).into_iter();
            let mut enters: Vec<_> = options.map(|options| Enter { options, ..enter }).collect();
            enters.extend([
                Enter { client_order_id: ClientOrderId::BLANK, ..enter },
                Enter { display: b'Y', ..enter },
                Enter { capacity: b'P', ..enter },
                Enter { intermarket_sweep: b'N', ..enter },
                Enter { cross_type: b'N', ..enter },
                Enter { time_in_force: b'0', ..enter },
            ]);
            enters.retain(|plainer| *plainer != enter);
            enters.into_iter().map(|enter| with(Action::Enter(enter))).collect()
        }
        Action::Replace(replace) => {
            let options = plainer_options(&replace.options).into_iter();
            let mut replaces: Vec<_> = options.map(|options| Replace { options, ..replace }).collect();
            replaces.extend([
                Replace { client_order_id: ClientOrderId::BLANK, ..replace },
                Replace { display: b'Y', ..replace },
                Replace { intermarket_sweep: b'N', ..replace },
                Replace { time_in_force: b'0', ..replace },
            ]);
            replaces.retain(|plainer| *plainer != replace);
            replaces.into_iter().map(|replace| with(Action::Replace(replace))).collect()
        }
        Action::AddInstrument(terms) => {
            plainer_terms(&terms).into_iter().map(|terms| with(Action::AddInstrument(terms))).collect()
        }
        Action::AddLogin(terms) => {
            let plain = LoginTerms::plain(terms.login, terms.username, terms.firm);
            let logins = [
                plain,
                LoginTerms { account: plain.account, ..terms },
                LoginTerms { cancel_on_disconnect: false, ..terms },
                LoginTerms { disconnect_grace_ms: 0, ..terms },
                LoginTerms { self_trade_prevention: plain.self_trade_prevention, ..terms },
            ];
            logins
                .iter()
                .filter(|login| **login != terms)
                .map(|login| with(Action::AddLogin(*login)))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn plainer_terms(terms: &InstrumentTerms) -> Vec<InstrumentTerms> {
    let plain = InstrumentTerms::plain(terms.instrument, terms.symbol, terms.tick, terms.lot);
    let mut all = vec![
        plain,
        InstrumentTerms { tick_ranges: plain.tick_ranges, ..*terms },
        InstrumentTerms { price_decimals: 4, quantity_decimals: 0, ..*terms },
        InstrumentTerms { allocation: plain.allocation, ..*terms },
        InstrumentTerms { collar_low: 0, ..*terms },
        InstrumentTerms { collar_high: 0, ..*terms },
        InstrumentTerms { band_bps: 0, ..*terms },
        InstrumentTerms { volatility_call_ms: 0, ..*terms },
        InstrumentTerms { random_end_ms: 0, ..*terms },
        InstrumentTerms { reference_price: 0, ..*terms },
        InstrumentTerms { base: plain.base, quote: plain.quote, ..*terms },
        InstrumentTerms { maker_fee_ppm: 0, ..*terms },
        InstrumentTerms { taker_fee_ppm: 0, ..*terms },
    ];
    all.retain(|plainer| plainer != terms);
    all
}

fn plainer_options(options: &OrderOptions) -> Vec<OrderOptions> {
    let none = OrderOptions { user_ref_idx: options.user_ref_idx, ..OrderOptions::default() };
    let mut all = vec![
        none,
        OrderOptions { refused_tag: 0, ..*options },
        OrderOptions { customer_type: 0, ..*options },
        OrderOptions { post_only: 0, ..*options },
        OrderOptions { shares_located: 0, ..*options },
        OrderOptions { side: 0, ..*options },
        OrderOptions { group_id: 0, ..*options },
        OrderOptions { firm: Firm::BLANK, ..*options },
        OrderOptions { locate_broker: Firm::BLANK, ..*options },
        OrderOptions { min_quantity: 0, ..*options },
        OrderOptions { max_floor: 0, random_reserves: 0, ..*options },
        OrderOptions { random_reserves: 0, ..*options },
        OrderOptions { price_type: 0, peg_offset: 0, ..*options },
        OrderOptions { peg_offset: 0, ..*options },
        OrderOptions { discretion_price: 0, ..*options },
        OrderOptions { expire_seconds: 0, ..*options },
        OrderOptions { expire_at: none.expire_at, ..*options },
        OrderOptions { trigger_price: 0, ..*options },
        OrderOptions { execution: 0, ..*options },
    ];
    all.retain(|plainer| plainer != options);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_goes() {
        let fails = |items: &[u32]| items.contains(&7) && items.contains(&41);
        assert_eq!(shrink((0..1_000).collect(), fails), [7, 41]);
        assert_eq!(shrink(vec![7, 41], fails), [7, 41]);
        assert_eq!(shrink((0..9).collect(), |_| true), [0; 0]);
    }
}
