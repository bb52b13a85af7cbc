//! What a random venue is made of.

/// How big the random venue is, and what its clients and its operator do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RandomShape {
    /// Logins at the start, ≥ 1.
    pub logins: u32,
    /// Instruments at the start, ≥ 1.
    pub instruments: u32,
    /// Most orders that may live at once. The venue under test needs the same limit.
    pub orders_max: usize,
    /// What happens besides plain orders.
    pub features: Features,
}

/// What happens besides plain limit and market orders, immediate and post-only ones, on many channels.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Features {
    /// Icebergs, with and without random reserves.
    pub icebergs: bool,
    /// Hidden orders.
    pub hidden: bool,
    /// Pegs.
    pub pegs: bool,
    /// Stops.
    pub stops: bool,
    /// Discretion prices.
    pub discretion: bool,
    /// Fill-or-kill and MinQty.
    pub all_or_nothing: bool,
    /// Market-to-limit.
    pub market_to_limit: bool,
    /// Orders that end by themselves, and those that outlive the day.
    pub timed: bool,
    /// Logins with self-trade prevention.
    pub prevention: bool,
    /// States, auctions and orders for them.
    pub auctions: bool,
    /// Instruments with a dynamic band.
    pub bands: bool,
    /// Instruments with a static collar.
    pub collars: bool,
    /// Instruments with tick ranges.
    pub tick_ranges: bool,
    /// Pro-rata instruments.
    pub pro_rata: bool,
    /// Limits of logins, firms and accounts.
    pub limits: bool,
    /// Restrictions, kill switches and cancels by the operator.
    pub supervision: bool,
    /// Instruments in balances mode, deposits and withdrawals.
    pub balances: bool,
    /// Broken trades.
    pub busts: bool,
    /// Ends of the day, sessions, full storage.
    pub days: bool,
    /// Instruments and logins change, come and go on the way.
    pub config_changes: bool,
}

impl Features {
    /// Plain orders only.
    pub const NONE: Features = Features {
        icebergs: false,
        hidden: false,
        pegs: false,
        stops: false,
        discretion: false,
        all_or_nothing: false,
        market_to_limit: false,
        timed: false,
        prevention: false,
        auctions: false,
        bands: false,
        collars: false,
        tick_ranges: false,
        pro_rata: false,
        limits: false,
        supervision: false,
        balances: false,
        busts: false,
        days: false,
        config_changes: false,
    };

    /// All of them.
    pub const ALL: Features = Features {
        icebergs: true,
        hidden: true,
        pegs: true,
        stops: true,
        discretion: true,
        all_or_nothing: true,
        market_to_limit: true,
        timed: true,
        prevention: true,
        auctions: true,
        bands: true,
        collars: true,
        tick_ranges: true,
        pro_rata: true,
        limits: true,
        supervision: true,
        balances: true,
        busts: true,
        days: true,
        config_changes: true,
    };
}

impl RandomShape {
    const fn of(features: Features) -> Self {
        RandomShape { logins: 5, instruments: 3, orders_max: 200, features }
    }

    /// Plain orders of a venue that never changes.
    pub const fn plain() -> Self {
        RandomShape { orders_max: 400, ..Self::of(Features::NONE) }
    }

    /// Everything at once.
    pub const fn everything() -> Self {
        Self::of(Features::ALL)
    }

    /// Calls, crosses, bands, and what gathers meanwhile.
    pub const fn auctions() -> Self {
        let features = Features {
            auctions: true,
            bands: true,
            icebergs: true,
            hidden: true,
            timed: true,
            days: true,
            ..Features::NONE
        };
        RandomShape { instruments: 2, ..Self::of(features) }
    }

    /// What moves by itself, within bands and collars.
    pub const fn stops_and_pegs() -> Self {
        let features = Features {
            stops: true,
            pegs: true,
            discretion: true,
            bands: true,
            collars: true,
            tick_ranges: true,
            market_to_limit: true,
            ..Features::NONE
        };
        RandomShape { instruments: 1, orders_max: 60, ..Self::of(features) }
    }

    /// What self-trade prevention meets: reserves, hidden shares, all-or-nothing orders.
    pub const fn prevention() -> Self {
        let features = Features {
            prevention: true,
            icebergs: true,
            hidden: true,
            all_or_nothing: true,
            discretion: true,
            stops: true,
            ..Features::NONE
        };
        RandomShape { instruments: 2, ..Self::of(features) }
    }

    /// Money, goods, fees and broken trades.
    pub const fn balances() -> Self {
        let features = Features {
            balances: true,
            busts: true,
            stops: true,
            pegs: true,
            discretion: true,
            icebergs: true,
            prevention: true,
            collars: true,
            auctions: true,
            ..Features::NONE
        };
        Self::of(features)
    }

    /// Pro-rata instruments.
    pub const fn prorata() -> Self {
        let features = Features {
            pro_rata: true,
            icebergs: true,
            hidden: true,
            prevention: true,
            all_or_nothing: true,
            auctions: true,
            ..Features::NONE
        };
        RandomShape { instruments: 1, ..Self::of(features) }
    }

    /// Limits, restrictions, kill switches, broken trades.
    pub const fn risk() -> Self {
        let features = Features {
            limits: true,
            supervision: true,
            busts: true,
            prevention: true,
            stops: true,
            pegs: true,
            days: true,
            config_changes: true,
            ..Features::NONE
        };
        Self::of(features)
    }

    /// Everything in a venue that is always nearly full.
    pub const fn nearly_full() -> Self {
        RandomShape { instruments: 1, orders_max: 12, ..Self::everything() }
    }

    /// Every shape that has a name.
    pub fn presets() -> [(&'static str, RandomShape); 9] {
        [
            ("plain", Self::plain()),
            ("everything", Self::everything()),
            ("auctions", Self::auctions()),
            ("stops_and_pegs", Self::stops_and_pegs()),
            ("prevention", Self::prevention()),
            ("balances", Self::balances()),
            ("prorata", Self::prorata()),
            ("risk", Self::risk()),
            ("nearly_full", Self::nearly_full()),
        ]
    }
}

impl Default for RandomShape {
    fn default() -> Self {
        Self::everything()
    }
}
