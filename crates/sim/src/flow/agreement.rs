//! How far two lists of fills agree, order by order.

use std::collections::HashMap;

/// One fill by order ids: taker, maker, wire price, shares.
pub type NamedFill = (String, String, u64, u32);

/// Agreement of a venue's fills with those that really happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// Orders that took liquidity in reality.
    pub aggressive: usize,
    /// Of those, with exactly the same fills: makers, prices, sizes, order.
    pub identical: usize,
    /// Of those, with the same total quantity.
    pub same_quantity: usize,
    /// Orders that took liquidity only here.
    pub only_here: usize,
}

impl Agreement {
    /// Identical orders of all aggressive ones, in percent.
    pub fn share(&self) -> f64 {
        100.0 * self.identical as f64 / self.aggressive.max(1) as f64
    }
}

/// Compares fills taker by taker. Neighbouring fills with one maker at one price are one fill: a feed may tell
/// them apart where a match does not.
pub fn agreement(here: &[NamedFill], real: &[NamedFill]) -> Agreement {
    let (here, real) = (by_taker(here), by_taker(real));
    let total = |group: &Vec<(&str, u64, u32)>| group.iter().map(|fill| u64::from(fill.2)).sum::<u64>();
    let same = |taker: &str, group: &Vec<_>| here.get(taker).map(total) == Some(total(group));
    Agreement {
        aggressive: real.len(),
        identical: real.iter().filter(|(taker, group)| here.get(*taker) == Some(group)).count(),
        same_quantity: real.iter().filter(|(taker, group)| same(taker, group)).count(),
        only_here: here.keys().filter(|taker| !real.contains_key(*taker)).count(),
    }
}

fn by_taker(fills: &[NamedFill]) -> HashMap<&str, Vec<(&str, u64, u32)>> {
    let mut groups: HashMap<&str, Vec<(&str, u64, u32)>> = HashMap::new();
    for (taker, maker, price, quantity) in fills {
        let group = groups.entry(taker).or_default();
        match group.last_mut() {
            Some((last, at, sum)) if (*last, *at) == (maker.as_str(), *price) => *sum += quantity,
            _ => group.push((maker, *price, *quantity)),
        }
    }
    groups
}

/// Reads fills as `taker_order_id,maker_order_id,price,quantity` with a header line. `None`: not such text.
pub fn parse_fills(text: &str) -> Option<Vec<NamedFill>> {
    text.lines().skip(1).map(parse_fill).collect()
}

fn parse_fill(line: &str) -> Option<NamedFill> {
    let mut columns = line.split(',');
    let (taker, maker, price, quantity) =
        (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    let (whole, fraction) = price.split_once('.').unwrap_or((price, ""));
    let price = format!("{whole}{fraction:0<4}").parse().ok()?;
    Some((taker.into(), maker.into(), price, quantity.parse().ok()?))
}
