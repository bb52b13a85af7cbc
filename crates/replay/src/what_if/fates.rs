//! What became of each order in the two runs. Equal fates cancel out as soon as both are known.

use std::collections::HashMap;

use ringside_domain::{Event, Fact, UserRefNum};
use serde_json::{Value, json};

use super::Run;
use crate::matches::Market;
use crate::orders::{Change, Live, Name};

/// How an order ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// It has not.
    Live {
        leaves: u32,
    },
    Filled,
    /// The letter of the reason; `D` for self-trade prevention.
    Canceled(u8),
    Replaced(UserRefNum),
    /// The code of the reason.
    Rejected(u16),
}

/// What became of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fate {
    end: End,
    executed: u64,
    notional: u128,
}

impl Fate {
    fn new(end: End, order: &Live) -> Fate {
        Fate { end, executed: order.executed, notional: order.notional }
    }

    pub(super) fn json(&self) -> Value {
        let mut value = match self.end {
            End::Live { leaves } => json!({"state": "live", "leaves": leaves}),
            End::Filled => json!({"state": "filled"}),
            End::Canceled(reason) => json!({"state": "canceled", "reason": char::from(reason).to_string()}),
            End::Replaced(by) => json!({"state": "replaced", "by": by}),
            End::Rejected(reason) => json!({"state": "rejected", "reason": reason}),
        };
        let fields = value.as_object_mut().expect("Invariant: an object");
        fields.insert("executed".into(), json!(self.executed));
        if self.executed > 0 {
            let notional =
                u64::try_from(self.notional).map_or_else(|_| json!(self.notional.to_string()), Value::from);
            fields.insert("notional".into(), notional);
        }
        value
    }
}

/// Orders whose fates are not known to be the same.
#[derive(Default)]
pub(super) struct Fates {
    /// By session and name: a name is unique within a session only.
    open: HashMap<(u32, Name), [Option<Fate>; 2]>,
    /// Sessions that each run has begun.
    rolls: [u32; 2],
}

impl Fates {
    pub(super) fn follow(&mut self, run: Run, event: &Event, change: Option<&Change>) {
        if let Fact::SessionBegan(_) = event.fact {
            self.rolls[run as usize] += 1;
        }
        if let Fact::Rejected { user_ref_num, reason, .. } = event.fact {
            let fate = Fate { end: End::Rejected(reason as u16), executed: 0, notional: 0 };
            self.ended(run, Name::of(event, user_ref_num), fate);
        }
        let Some(change) = change else { return };
        if let Some((name, old)) = &change.replaced {
            self.ended(run, *name, Fate::new(End::Replaced(change.name.user_ref_num), old));
        }
        if change.order.leaves == 0 {
            let end = match event.fact {
                Fact::Canceled { reason, .. } => End::Canceled(reason as u8),
                Fact::Prevented { .. } => End::Canceled(b'D'),
                _ => End::Filled,
            };
            self.ended(run, change.name, Fate::new(end, &change.order));
        }
    }

    fn ended(&mut self, run: Run, name: Name, fate: Fate) {
        let key = (self.rolls[run as usize], name);
        let fates = self.open.entry(key).or_default();
        fates[run as usize] = Some(fate);
        if fates[0] == fates[1] {
            self.open.remove(&key);
        }
    }

    /// Orders with other fates, by session and name. What is still alive counts too.
    pub(super) fn different(mut self, markets: &[Market; 2]) -> Vec<(Name, [Option<Fate>; 2])> {
        for run in [Run::Before, Run::After] {
            for (name, order) in markets[run as usize].orders().iter() {
                self.ended(run, *name, Fate::new(End::Live { leaves: order.leaves }, order));
            }
        }
        let mut different: Vec<_> = self.open.into_iter().collect();
        different.sort_unstable_by_key(|(key, _)| *key);
        different.into_iter().map(|((_, name), fates)| (name, fates)).collect()
    }
}
