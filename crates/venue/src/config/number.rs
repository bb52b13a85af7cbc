//! Numbers as people write them: decimals, percentages, durations. Errors say what is wrong with them.

use ringside_domain::limits::{PRICE_MARKET, PRICE_MAX};

/// `"0.25"` with 4 decimals is 2500. Values are prices: the market sentinel bounds them.
pub fn scaled(text: &str, decimals: u8) -> Result<u64, String> {
    let value = decimal(text, decimals)?;
    if value < PRICE_MARKET {
        return Ok(value);
    }
    let largest = unscaled(PRICE_MAX, decimals);
    Err(format!(
        "{text} is in the range of market prices: with {decimals} decimals the largest price is {largest}"
    ))
}

/// A price above 0.
pub(super) fn price(text: &str, decimals: u8) -> Result<u32, String> {
    match scaled(text, decimals)? {
        0 => Err("must be above 0".into()),
        // Fits: scaled() stays below the market sentinel, which fits u32.
        value => Ok(value as u32),
    }
}

/// `"5%"` in 1/10,000: 500. At most 100%.
pub(super) fn basis_points(text: &str) -> Result<u32, String> {
    percent(text, 2)
}

/// `"0.01%"` in 1/1,000,000: 100. At most 100%.
pub(super) fn millionths(text: &str) -> Result<u32, String> {
    percent(text, 4)
}

/// `"5s"` in milliseconds, at most a day.
pub(super) fn milliseconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a duration like \"5s\" or \"500ms\", in whole ms, at most a day");
    let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
    let ms = u32::try_from(duration.as_millis()).map_err(|_| wrong())?;
    let whole = duration.subsec_nanos().is_multiple_of(1_000_000);
    if whole && ms <= DAY_MS { Ok(ms) } else { Err(wrong()) }
}

const DAY_MS: u32 = 86_400_000;

fn percent(text: &str, decimals: u8) -> Result<u32, String> {
    let wrong = || {
        format!("{text:?} is not a percentage like \"5%\" of at most 100%, with at most {decimals} decimals")
    };
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    let value = decimal(number, decimals).map_err(|_| wrong())?;
    // Cannot truncate: at most 100 with 4 decimals.
    if value <= 100 * 10_u64.pow(decimals.into()) { Ok(value as u32) } else { Err(wrong()) }
}

fn decimal(text: &str, decimals: u8) -> Result<u64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
        return Err(format!("{text:?} is not a decimal number"));
    }
    let significant = fraction.trim_end_matches('0');
    if significant.len() > usize::from(decimals) {
        return Err(format!("{text} cannot be written with {decimals} decimals"));
    }
    let padded = format!("{whole}{significant:0<width$}", width = usize::from(decimals));
    padded.parse::<u64>().map_err(|_| format!("{text} is too large"))
}

fn unscaled(value: u64, decimals: u8) -> String {
    let scale = 10_u64.pow(decimals.into());
    match decimals {
        0 => value.to_string(),
        _ => format!("{}.{:0width$}", value / scale, value % scale, width = usize::from(decimals)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_wire_units() {
        assert_eq!(scaled("0.25", 4), Ok(2_500));
        assert_eq!(scaled("4800.2500", 2), Ok(480_025));
        assert_eq!(scaled("7", 0), Ok(7));
        for wrong in ["", ".5", "5.", "-1", "1e3", "0.00001", "99999999999999999999"] {
            assert!(scaled(wrong, 4).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_market_sentinel_bounds_prices_and_the_bound_is_named() {
        assert_eq!(scaled("199999.9999", 4), Ok(1_999_999_999));
        assert!(scaled("200000", 4).unwrap_err().contains("199999.9999"));
        assert!(scaled("20", 8).unwrap_err().contains("19.99999999"));
        assert!(scaled("2000000000", 0).unwrap_err().contains("1999999999"));
        assert!(price("0.00", 4).is_err());
    }

    #[test]
    fn percentages_are_exact_or_refused() {
        assert_eq!(
            (basis_points("5%"), basis_points("0.25%"), basis_points("100%")),
            (Ok(500), Ok(25), Ok(10_000))
        );
        assert_eq!((millionths("0.01%"), millionths("0.0001%"), millionths("0%")), (Ok(100), Ok(1), Ok(0)));
        for wrong in ["5", "%", "5 %", "0.001%", "100.01%", "-1%", "18446744073709551615%"] {
            assert!(basis_points(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_whole_milliseconds() {
        assert_eq!(
            (milliseconds("5s"), milliseconds("1500ms"), milliseconds("0s")),
            (Ok(5_000), Ok(1_500), Ok(0))
        );
        for wrong in ["5", "1us", "25h", "-1s", "18446744073709551615s"] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }
}
