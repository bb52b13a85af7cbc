//! Commands: all that can change the state of the venue. Each one is journaled before its answer leaves.

use crate::ids::{InstrumentId, LoginId, UserRefNum};
use crate::text::{ClientOrderId, Firm, Symbol, Username};

/// What one login (or the venue itself, [`LoginId::VENUE`]) asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command {
    /// Who asks.
    pub login: LoginId,
    /// What is asked.
    pub action: Action,
}

/// The kinds of commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// OUCH `O`: a new order.
    Enter(Enter),
    /// OUCH `U`: an order in place of a live one.
    Replace(Replace),
    /// OUCH `X`: reduce an order, or cancel it whole.
    Cancel(Cancel),
    /// OUCH `M`: change the sell letter or reduce, keeping priority.
    Modify(Modify),
    /// OUCH `C`: cancel many orders of the login.
    MassCancel(MassCancel),
    /// OUCH `D`: refuse new orders of the login until enabled.
    DisableEntry(EntrySwitch),
    /// OUCH `E`: accept new orders again.
    EnableEntry(EntrySwitch),
    /// OUCH `Q`: ask for the next usable UserRefNum.
    AccountQuery(AccountQuery),
    /// A connection of the login was accepted (not journaled again on takeover).
    Connect,
    /// The login's connection ended: logout, link loss or restart of the venue.
    Disconnect,
    /// Start of a SoupBinTCP session with this number (the first command of a journal).
    StartSession(u32),
    /// A new instrument.
    AddInstrument(InstrumentTerms),
    /// New terms for a known instrument.
    ChangeInstrument(InstrumentTerms),
    /// The instrument takes no more orders. Only without live orders.
    RemoveInstrument(InstrumentId),
    /// A new login.
    AddLogin(LoginTerms),
    /// New terms for a known login.
    ChangeLogin(LoginTerms),
    /// The login may no longer connect; its orders rest on.
    RemoveLogin(LoginId),
    /// Storage for the journal runs out (or is there again): new orders are refused, cancels go on.
    StorageFull(bool),
}

/// OUCH 5.0 Enter Order, as sent. Letters are unchecked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enter {
    /// UserRefNum.
    pub user_ref_num: UserRefNum,
    /// Shares.
    pub quantity: u32,
    /// Wire price: value × 10^price_decimals of the instrument; ≥ [`crate::limits::PRICE_MARKET`] = market.
    pub price: u64,
    /// Symbol.
    pub symbol: Symbol,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// `B S T E`.
    pub side: u8,
    /// `0 3 5 6 E`.
    pub time_in_force: u8,
    /// `Y N A`.
    pub display: u8,
    /// `A P R O`.
    pub capacity: u8,
    /// Intermarket sweep eligibility, `Y N`.
    pub intermarket_sweep: u8,
    /// `N O C H S R E A`.
    pub cross_type: u8,
    /// Optional tags.
    pub options: OrderOptions,
}

/// Appendage of an Enter or Replace: the tags this venue acts on. 0 (blank for text) = tag absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OrderOptions {
    /// Tag 28: independent channel of UserRefNums.
    pub user_ref_idx: u8,
    /// First tag that is unknown, disallowed, repeated, misshapen or not built yet; 0 = all fine.
    pub refused_tag: u8,
    /// Tag 4, `R N` or space.
    pub customer_type: u8,
    /// Tag 12, `P N`.
    pub post_only: u8,
    /// Tag 25, `Y N`.
    pub shares_located: u8,
    /// Tag 27 (Replace only), `B S T E`.
    pub side: u8,
    /// Tag 24.
    pub group_id: u16,
    /// Tag 2 (Enter only).
    pub firm: Firm,
    /// Tag 26.
    pub locate_broker: Firm,
    /// Tag 3, shares.
    pub min_quantity: u32,
}

/// OUCH 5.0 Replace Order, as sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replace {
    /// UserRefNum of the live order.
    pub original: UserRefNum,
    /// UserRefNum of the replacement.
    pub user_ref_num: UserRefNum,
    /// Total shares of the chain, executed and prevented ones included.
    pub quantity: u32,
    /// Wire price, see [`Enter::price`].
    pub price: u64,
    /// The client's label.
    pub client_order_id: ClientOrderId,
    /// `0 3 5 6`.
    pub time_in_force: u8,
    /// `Y N A`.
    pub display: u8,
    /// `Y N`.
    pub intermarket_sweep: u8,
    /// Optional tags.
    pub options: OrderOptions,
}

/// OUCH 5.0 Cancel Order: the order's intended total becomes `quantity`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancel {
    /// UserRefNum of the order.
    pub user_ref_num: UserRefNum,
    /// Intended total shares, executed ones included; 0 cancels all.
    pub quantity: u32,
    /// Channel of the order.
    pub user_ref_idx: u8,
}

/// OUCH 5.0 Modify Order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Modify {
    /// UserRefNum of the order.
    pub user_ref_num: UserRefNum,
    /// Intended total shares.
    pub quantity: u32,
    /// `S T E`.
    pub side: u8,
    /// Channel of the order.
    pub user_ref_idx: u8,
}

/// OUCH 5.0 Mass Cancel. All filters together select orders of the sending login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MassCancel {
    /// UserRefNum, consumed.
    pub user_ref_num: UserRefNum,
    /// Firm of the orders; blank = the login's own.
    pub firm: Firm,
    /// Symbol; blank = all.
    pub symbol: Symbol,
    /// Tag 27; 0 = both sides.
    pub side: u8,
    /// Tag 24; `None` = all groups.
    pub group_id: Option<u16>,
    /// Tag 28 when present: only this channel. `None`: all channels, answered on channel 0.
    pub user_ref_idx: Option<u8>,
}

/// OUCH 5.0 Disable or Enable Order Entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntrySwitch {
    /// UserRefNum, consumed.
    pub user_ref_num: UserRefNum,
    /// Firm, echoed.
    pub firm: Firm,
    /// Channel.
    pub user_ref_idx: u8,
}

/// OUCH 5.0 Account Query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountQuery {
    /// Channel.
    pub user_ref_idx: u8,
}

/// Terms of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstrumentTerms {
    /// Id, never reused.
    pub instrument: InstrumentId,
    /// Symbol, unique among live instruments.
    pub symbol: Symbol,
    /// Smallest price step in wire price units, ≥ 1.
    pub tick: u32,
    /// Quantity step in shares, ≥ 1.
    pub lot: u32,
    /// Wire price = value × 10^this.
    pub price_decimals: u8,
    /// Quantity = value × 10^this.
    pub quantity_decimals: u8,
}

/// Terms of a login; its password is not part of the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoginTerms {
    /// Id, never reused.
    pub login: LoginId,
    /// Name, unique among live logins.
    pub username: Username,
    /// Firm of its orders unless tag 2 says otherwise.
    pub firm: Firm,
    /// Cancel its orders when it disconnects.
    pub cancel_on_disconnect: bool,
}
