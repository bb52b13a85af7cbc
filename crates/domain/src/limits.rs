//! Every limit of the venue in one place; relations between them are asserted at compile time.

/// Largest quantity of one order (OUCH 5.0: 1..=999,999 shares).
pub const QUANTITY_MAX: u32 = 999_999;

/// Prices from here on mean MARKET: 200,000.0000 with four implied decimals (OUCH 5.0).
pub const PRICE_MARKET: u64 = 2_000_000_000;

/// Largest limit price on the wire, one below the market sentinel.
pub const PRICE_MAX: u64 = PRICE_MARKET - 1;

/// Default number of orders that may rest at once over all instruments.
pub const ORDERS_MAX_DEFAULT: u32 = 4_194_304;

/// Most instruments ever configured on one data directory (ids are never reused).
pub const INSTRUMENTS_MAX: u32 = 65_536;

/// Most logins ever configured on one data directory (ids are never reused).
pub const LOGINS_MAX: u32 = 65_536;

/// Most slices that an iceberg may show: each is a match of its own.
pub const SLICES_MAX: u32 = 1_000;

/// Most pegs alive in one instrument: each may move with every command.
pub const PEGS_MAX: usize = 4_096;

/// UserRefIdx under which carried orders are announced after a session roll; closed for new orders.
pub const USER_REF_IDX_CARRIED: u8 = 255;

/// Nanoseconds of a day: wire timestamps are journaled time modulo this.
pub const DAY_NS: u64 = 86_400_000_000_000;

const _: () = assert!(PRICE_MAX <= u32::MAX as u64, "a price in ticks of 1 fits u32, see book::Tick");
const _: () = assert!(QUANTITY_MAX as u64 * ORDERS_MAX_DEFAULT as u64 <= u64::MAX / 2, "level sums fit u64");
