//! What the engine keeps of a resting order besides what matching needs.

use ringside_book::{NONE, Slot};
use ringside_domain::{Enter, Firm, Replace};

/// Cold part of an order, by the same slot as the hot part in the arena.
#[derive(Clone, Copy, Debug)]
pub struct Details {
    /// Next order of the login, younger.
    pub(crate) next: Slot,
    /// Previous order of the login, older.
    pub(crate) previous: Slot,
    /// What was agreed.
    pub terms: Terms,
}

/// Terms that do not decide about matching: echoed, inherited by replacements, used as filters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Firm of the order.
    pub firm: Firm,
    /// Group, 0 = none.
    pub group_id: u16,
    /// Letter.
    pub time_in_force: u8,
    /// Letter.
    pub display: u8,
    /// Letter.
    pub capacity: u8,
    /// Letter.
    pub intermarket_sweep: u8,
    /// Letter.
    pub cross_type: u8,
    /// Letter, 0 = not given.
    pub customer_type: u8,
    /// Letter, 0 = not given.
    pub post_only: u8,
}

const _: () = assert!(size_of::<Details>() <= 24, "with the 48 hot bytes: at most 72 bytes an order");

impl Details {
    pub(crate) const fn new(terms: Terms) -> Self {
        Details { next: NONE, previous: NONE, terms }
    }
}

impl Terms {
    /// Terms of a new order of a login with firm `own`.
    pub(crate) fn of_enter(enter: &Enter, own: Firm) -> Self {
        let options = &enter.options;
        Terms {
            firm: if options.firm.is_blank() { own } else { options.firm },
            group_id: options.group_id,
            time_in_force: enter.time_in_force,
            display: enter.display,
            capacity: enter.capacity,
            intermarket_sweep: enter.intermarket_sweep,
            cross_type: enter.cross_type,
            customer_type: options.customer_type,
            post_only: options.post_only,
        }
    }

    /// Terms after a replacement: absent tags keep the original's value (OUCH 5.0, Replace Order).
    pub(crate) fn replaced_by(self, replace: &Replace) -> Self {
        let keep = |new: u8, old: u8| if new == 0 { old } else { new };
        Terms {
            time_in_force: replace.time_in_force,
            display: replace.display,
            intermarket_sweep: replace.intermarket_sweep,
            customer_type: keep(replace.options.customer_type, self.customer_type),
            post_only: keep(replace.options.post_only, self.post_only),
            ..self
        }
    }
}
