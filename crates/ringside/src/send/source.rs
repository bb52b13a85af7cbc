//! The flow as requests of a login that may have a past.
//!
//! Invariant: the flow's own UserRefNums count from 1; on the wire `base` is added to every one of them.

use std::io::{self, Read};
use std::path::Path;

use ringside_domain::{Action, LoginId, Symbol, UserRefNum};
use ringside_sim::flow::{FlowCommands, FlowError, FlowItem, FlowReader, FlowRow};
use ringside_wire::ouch::{Cancel, Enter, Replace, Request, Tags};

use super::SendError;

/// The login of a flow on the wire is the connection's: any will do here.
const LOGIN: LoginId = LoginId(1);

/// What a row asks for.
pub enum Step {
    /// A request of the login.
    Request(Request<'static>),
    /// The operator ends the call of an instrument.
    Uncross(Symbol),
}

/// A flow that is being sent.
pub struct Source {
    flow: String,
    rows: FlowReader<Box<dyn Read + Send>>,
    commands: FlowCommands,
    /// Last UserRefNum of the login before the flow.
    base: UserRefNum,
    /// Rows that only the operator can carry out may come.
    has_operator: bool,
}

impl Source {
    /// Opens a file, or standard input as `-`.
    pub fn open(path: &Path) -> Result<Source, SendError> {
        let flow = path.display().to_string();
        let rows = match is_stdin(path) {
            true => FlowReader::from_reader(Box::new(io::stdin()) as Box<dyn Read + Send>),
            false => FlowReader::open(path),
        };
        let rows = rows.map_err(|source| match source {
            // Names the file itself.
            source @ ringside_sim::flow::FlowError::Open { .. } => {
                SendError::Flow { flow: "order flow".to_owned(), source }
            }
            source => SendError::Flow { flow: flow.clone(), source },
        })?;
        Ok(Source { flow, rows, commands: FlowCommands::new(LOGIN), base: 0, has_operator: false })
    }

    /// Rows of a file that can be read twice.
    pub fn count(path: &Path) -> Option<u64> {
        if is_stdin(path) || !path.is_file() {
            return None;
        }
        Some(FlowReader::open(path).ok()?.count() as u64)
    }

    /// There is an operator.
    pub fn allow_operator(&mut self) {
        self.has_operator = true;
    }

    /// UserRefNums go on behind `base`.
    pub fn start_behind(&mut self, base: UserRefNum) {
        self.base = base;
    }

    /// The next row; `None` at the end.
    pub fn next_step(&mut self) -> Result<Option<Step>, SendError> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        let failed = |source| SendError::Flow { flow: self.flow.clone(), source };
        let row = row.map_err(failed)?;
        let command = match self.commands.item(&row).map_err(failed)? {
            FlowItem::Command(command) => command,
            FlowItem::Uncross(_) if !self.has_operator => {
                return Err(failed(FlowError::NeedsAdmin { line: row.line }));
            }
            FlowItem::Uncross(symbol) => return Ok(Some(Step::Uncross(symbol))),
        };
        let used_up = SendError::UserRefNumsUsedUp { line: row.line, last: self.base };
        request(&row, &command.action, self.base).ok_or(used_up).map(|request| Some(Step::Request(request)))
    }

    /// The flow's own number of an order; `None` when the order is not of this flow.
    pub fn order(&self, user_ref_idx: u8, user_ref_num: UserRefNum) -> Option<UserRefNum> {
        let order = user_ref_num.checked_sub(self.base).filter(|order| *order > 0)?;
        (user_ref_idx == 0 && self.commands.order_id(order).is_some()).then_some(order)
    }

    /// The id of an order that [`Source::order`] knows.
    pub fn order_id(&self, order: UserRefNum) -> &str {
        self.commands.order_id(order).expect("Invariant: only orders of this flow are asked for")
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The request of an action, `base` added; `None` when there is no such UserRefNum.
fn request(row: &FlowRow, action: &Action, base: UserRefNum) -> Option<Request<'static>> {
    let tags = Tags::EMPTY;
    Some(match *action {
        Action::Enter(m) => Request::Enter(Enter {
            user_ref_num: m.user_ref_num.checked_add(base)?,
            side: m.side,
            quantity: m.quantity,
            symbol: m.symbol,
            price: m.price,
            time_in_force: m.time_in_force,
            display: m.display,
            capacity: m.capacity,
            intermarket_sweep: m.intermarket_sweep,
            cross_type: m.cross_type,
            client_order_id: m.client_order_id,
            tags,
        }),
        Action::Replace(m) => Request::Replace(Replace {
            original: m.original.checked_add(base)?,
            user_ref_num: m.user_ref_num.checked_add(base)?,
            quantity: m.quantity,
            price: m.price,
            time_in_force: m.time_in_force,
            display: m.display,
            intermarket_sweep: m.intermarket_sweep,
            client_order_id: m.client_order_id,
            tags,
        }),
        Action::Cancel(m) => {
            let user_ref_num = m.user_ref_num.checked_add(base)?;
            Request::Cancel(Cancel { user_ref_num, quantity: m.quantity, tags })
        }
        ref other => unreachable!("Invariant: row {row:?} is no {other:?}"),
    })
}
