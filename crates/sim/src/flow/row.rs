//! One row of an order-flow file, checked column by column.

use csv::StringRecord;
use ringside_domain::{Side, Symbol};

use super::{FlowError, HEADER};

/// A row that means something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlowRow {
    /// 1-based line of the file.
    pub line: u64,
    /// When it happened, Unix ns.
    pub time_ns: u64,
    /// The order: a new one for `new`, else the one that is meant. Empty for `uncross`.
    pub order_id: String,
    /// What is done.
    pub action: FlowAction,
}

/// What a row does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FlowAction {
    /// A new order.
    New {
        /// Where.
        symbol: Symbol,
        /// Buy or sell.
        side: Side,
        /// Wire units, four decimals.
        price: u64,
        /// Shares.
        quantity: u32,
        /// `ioc` instead of `day`.
        immediate: bool,
    },
    /// Cancel the whole order.
    Cancel,
    /// The chain's intended total becomes `quantity`, executed shares included.
    Reduce {
        /// Intended total.
        quantity: u32,
    },
    /// Another order in its place.
    Replace {
        /// Id of the replacement.
        new_order_id: String,
        /// Wire units, four decimals.
        price: u64,
        /// The chain's intended total, executed shares included.
        quantity: u32,
        /// `ioc` instead of `day`.
        immediate: bool,
    },
    /// The call of an instrument ends: the auction trades.
    Uncross {
        /// Where.
        symbol: Symbol,
    },
}

impl FlowRow {
    pub(super) fn parse(record: &StringRecord) -> Result<FlowRow, FlowError> {
        let line = record.position().map_or(0, |position| position.line());
        if record.len() != HEADER.len() {
            return Err(FlowError::Columns { line, found: record.len() });
        }
        let columns = Columns { record, line };
        let time_ns = columns.number(0, "nanoseconds")?;
        let action = columns.action()?;
        let of_an_order = !matches!(action, FlowAction::Uncross { .. });
        let order_id = if of_an_order { columns.id(2)? } else { record[2].to_owned() };
        Ok(FlowRow { line, time_ns, order_id, action })
    }
}

/// The nine columns of one row.
struct Columns<'a> {
    record: &'a StringRecord,
    line: u64,
}

impl Columns<'_> {
    fn action(&self) -> Result<FlowAction, FlowError> {
        match &self.record[1] {
            "new" => self.new_order(),
            "cancel" => Ok(FlowAction::Cancel),
            "reduce" => Ok(FlowAction::Reduce { quantity: self.quantity()? }),
            "replace" => self.replace(),
            "uncross" => Ok(FlowAction::Uncross { symbol: self.symbol()? }),
            _ => Err(self.refuse(1, "new, cancel, reduce, replace or uncross")),
        }
    }

    fn new_order(&self) -> Result<FlowAction, FlowError> {
        Ok(FlowAction::New {
            symbol: self.symbol()?,
            side: self.side()?,
            price: self.price()?,
            quantity: self.quantity()?,
            immediate: self.is_immediate()?,
        })
    }

    fn replace(&self) -> Result<FlowAction, FlowError> {
        Ok(FlowAction::Replace {
            new_order_id: self.id(8)?,
            price: self.price()?,
            quantity: self.quantity()?,
            immediate: self.is_immediate()?,
        })
    }

    fn id(&self, column: usize) -> Result<String, FlowError> {
        match &self.record[column] {
            "" => Err(self.refuse(column, "an order id")),
            id => Ok(id.to_owned()),
        }
    }

    fn symbol(&self) -> Result<Symbol, FlowError> {
        let symbol = Symbol::new(&self.record[3]).filter(|symbol| !symbol.is_blank());
        symbol.ok_or_else(|| self.refuse(3, "a symbol of at most 8 characters"))
    }

    fn side(&self) -> Result<Side, FlowError> {
        match &self.record[4] {
            "B" => Ok(Side::Buy),
            "S" => Ok(Side::Sell),
            _ => Err(self.refuse(4, "B or S")),
        }
    }

    fn price(&self) -> Result<u64, FlowError> {
        let expected = "a price with at most four decimals";
        wire_price(&self.record[5]).ok_or_else(|| self.refuse(5, expected))
    }

    fn quantity(&self) -> Result<u32, FlowError> {
        self.number(6, "a quantity")
    }

    /// An empty column is a day order.
    fn is_immediate(&self) -> Result<bool, FlowError> {
        match &self.record[7] {
            "day" | "" => Ok(false),
            "ioc" => Ok(true),
            _ => Err(self.refuse(7, "day or ioc")),
        }
    }

    fn number<N: std::str::FromStr>(&self, column: usize, expected: &'static str) -> Result<N, FlowError> {
        let text = &self.record[column];
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or_else(|| self.refuse(column, expected))
    }

    fn refuse(&self, column: usize, expected: &'static str) -> FlowError {
        let found = self.record[column].to_owned();
        FlowError::Value { line: self.line, column: HEADER[column], found, expected }
    }
}

/// `4800.25` → 48002500. More decimals are fine as long as they are zeros.
fn wire_price(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let (kept, lost) = fraction.split_at(fraction.len().min(4));
    if lost.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let decimals: u64 = format!("{kept:0<4}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(10_000)?.checked_add(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_become_wire_units_without_rounding() {
        assert_eq!(wire_price("4800.25"), Some(48_002_500));
        assert_eq!(wire_price("4799"), Some(47_990_000));
        assert_eq!(wire_price("0.0001"), Some(1));
        assert_eq!(wire_price("1.50000"), Some(15_000));
        for bad in ["", ".5", "-1", "+1", "1e3", "1.00001", "1.2.3", "99999999999999999999"] {
            assert_eq!(wire_price(bad), None, "{bad}");
        }
    }
}
