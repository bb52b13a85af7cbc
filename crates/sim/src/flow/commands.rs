//! Rows → commands of one login.

use std::collections::HashMap;

use ringside_domain::{
    Action, Cancel, ClientOrderId, Command, Enter, LoginId, OrderOptions, Replace, Symbol, UserRefNum,
};

use super::{FlowAction, FlowError, FlowRow};

/// What a row asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlowItem {
    /// A command of the flow's login.
    Command(Command),
    /// The operator ends the call of this instrument.
    Uncross(Symbol),
}

/// The memory of a flow that is being sent: which UserRefNum stands for which order id.
/// An id that is used again names the newer order from then on.
#[derive(Debug)]
pub struct FlowCommands {
    login: LoginId,
    user_ref_nums: HashMap<String, UserRefNum>,
    order_ids: Vec<String>,
}

impl FlowCommands {
    /// Commands of `login`; the first `new` or `replace` gets UserRefNum 1.
    pub fn new(login: LoginId) -> Self {
        FlowCommands { login, user_ref_nums: HashMap::new(), order_ids: Vec::new() }
    }

    /// What a row asks for.
    pub fn item(&mut self, row: &FlowRow) -> Result<FlowItem, FlowError> {
        match row.action {
            FlowAction::Uncross { symbol } => Ok(FlowItem::Uncross(symbol)),
            _ => self.command(row).map(FlowItem::Command),
        }
    }

    /// The command that a row asks for, when it is one that a login can send.
    pub fn command(&mut self, row: &FlowRow) -> Result<Command, FlowError> {
        let action = match &row.action {
            FlowAction::New { .. } => Action::Enter(self.enter(row)?),
            FlowAction::Cancel => Action::Cancel(self.cancel(row, 0)?),
            FlowAction::Reduce { quantity } => Action::Cancel(self.cancel(row, *quantity)?),
            FlowAction::Replace { .. } => Action::Replace(self.replace(row)?),
            FlowAction::Uncross { .. } => return Err(FlowError::NeedsAdmin { line: row.line }),
        };
        Ok(Command { login: self.login, action })
    }

    /// The order id behind a UserRefNum.
    pub fn order_id(&self, user_ref_num: UserRefNum) -> Option<&str> {
        let index = usize::try_from(user_ref_num.checked_sub(1)?).ok()?;
        self.order_ids.get(index).map(String::as_str)
    }

    fn enter(&mut self, row: &FlowRow) -> Result<Enter, FlowError> {
        let FlowAction::New { symbol, side, price, quantity, immediate } = row.action else {
            unreachable!("Invariant: command() sorted the rows")
        };
        Ok(Enter {
            user_ref_num: self.name(row.line, &row.order_id)?,
            quantity,
            price,
            symbol,
            client_order_id: ClientOrderId::BLANK,
            side: side.letter(),
            time_in_force: time_in_force(immediate),
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: b'N',
            options: OrderOptions::default(),
        })
    }

    fn cancel(&self, row: &FlowRow, quantity: u32) -> Result<Cancel, FlowError> {
        Ok(Cancel { user_ref_num: self.named(row)?, quantity, user_ref_idx: 0 })
    }

    fn replace(&mut self, row: &FlowRow) -> Result<Replace, FlowError> {
        let FlowAction::Replace { new_order_id, price, quantity, immediate } = &row.action else {
            unreachable!("Invariant: command() sorted the rows")
        };
        Ok(Replace {
            original: self.named(row)?,
            user_ref_num: self.name(row.line, new_order_id)?,
            quantity: *quantity,
            price: *price,
            client_order_id: ClientOrderId::BLANK,
            time_in_force: time_in_force(*immediate),
            display: b'Y',
            intermarket_sweep: b'N',
            options: OrderOptions::default(),
        })
    }

    /// Gives an order the next UserRefNum.
    fn name(&mut self, line: u64, order_id: &str) -> Result<UserRefNum, FlowError> {
        let next = UserRefNum::try_from(self.order_ids.len() + 1);
        let user_ref_num = next.map_err(|_| FlowError::TooManyOrders { line })?;
        self.order_ids.push(order_id.to_owned());
        self.user_ref_nums.insert(order_id.to_owned(), user_ref_num);
        Ok(user_ref_num)
    }

    fn named(&self, row: &FlowRow) -> Result<UserRefNum, FlowError> {
        let unknown = || FlowError::UnknownOrder { line: row.line, order_id: row.order_id.clone() };
        self.user_ref_nums.get(&row.order_id).copied().ok_or_else(unknown)
    }
}

fn time_in_force(immediate: bool) -> u8 {
    if immediate { b'3' } else { b'0' }
}
