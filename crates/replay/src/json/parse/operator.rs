//! What the venue and its operator say.

use ringside_domain::{
    Action, Allocation, AuctionKind, Bust, BustSide, CancelOrders, InstrumentId, InstrumentTerms, Kill,
    LoginId, LoginTerms, MarketState, Restrict, RiskLimits, Rules, Scope, SelfTradePrevention, SetLimits,
    SetState, TICK_RANGES, TickRange, Transfer,
};
use serde_json::json;

use super::CommandError;
use super::fields::{Fields, wrong};

type Result<T> = std::result::Result<T, CommandError>;

/// `None`: no such type.
pub(super) fn action(kind: &str, fields: &mut Fields<'_>) -> Option<Result<Action>> {
    Some(match kind {
        "start_session" => fields.number("session").map(Action::StartSession),
        "add_instrument" => instrument_terms(fields).map(Action::AddInstrument),
        "change_instrument" => instrument_terms(fields).map(Action::ChangeInstrument),
        "remove_instrument" => fields.instrument().map(Action::RemoveInstrument),
        "add_login" => login_terms(fields).map(Action::AddLogin),
        "change_login" => login_terms(fields).map(Action::ChangeLogin),
        "remove_login" => fields.number("login_id").map(|id| Action::RemoveLogin(LoginId(id))),
        "storage_full" => fields.flag("full").map(Action::StorageFull),
        "tick" => Ok(Action::Tick),
        "snapshot" => Ok(Action::Snapshot),
        "set_rules" => set_rules(fields).map(Action::SetRules),
        "set_seed" => fields.number("seed").map(Action::SetSeed),
        "set_key" => set_key(fields).map(Action::SetKey),
        "uncross" => fields.instrument_or_none().map(Action::Uncross),
        "end_of_day" => Ok(Action::EndOfDay),
        "roll_session" => Ok(Action::RollSession),
        "set_state" => set_state(fields).map(Action::SetState),
        "set_limits" => set_limits(fields).map(Action::SetLimits),
        "restrict" => restrict(fields).map(Action::Restrict),
        "kill" => kill(fields).map(Action::Kill),
        "cancel_orders" => cancel_orders(fields).map(Action::CancelOrders),
        "deposit" => transfer(fields).map(Action::Deposit),
        "withdraw" => transfer(fields).map(Action::Withdraw),
        "bust" => bust(fields).map(Action::Bust),
        _ => return None,
    })
}

fn set_rules(fields: &mut Fields<'_>) -> Result<Rules> {
    let version = fields.number("rules")?;
    Rules::new(version).ok_or_else(|| wrong("rules", &json!(version)))
}

/// What is told of a journaled key is only that there is one; a key of one's own has to be given.
fn set_key(fields: &mut Fields<'_>) -> Result<[u64; 2]> {
    Ok([fields.number("key_low")?, fields.number("key_high")?])
}

fn instrument_terms(fields: &mut Fields<'_>) -> Result<InstrumentTerms> {
    let mut tick_ranges = [TickRange::default(); TICK_RANGES];
    let given = fields.list("tick_ranges")?;
    if given.len() > TICK_RANGES {
        return Err(wrong("tick_ranges", &json!(format!("{} ranges", given.len()))));
    }
    for (range, mut fields) in tick_ranges.iter_mut().zip(given) {
        *range = TickRange { from: fields.number("from")?, tick: fields.number("tick")? };
        fields.end()?;
    }
    Ok(InstrumentTerms {
        instrument: InstrumentId(fields.number("instrument")?),
        symbol: fields.text("symbol")?,
        tick: fields.number("tick")?,
        lot: fields.number("lot")?,
        price_decimals: fields.number("price_decimals")?,
        quantity_decimals: fields.number("quantity_decimals")?,
        allocation: fields.known("allocation", Allocation::from_letter)?,
        tick_ranges,
        collar_low: fields.number_or("collar_low", 0)?,
        collar_high: fields.number_or("collar_high", 0)?,
        band_bps: fields.number_or("band_bps", 0)?,
        volatility_call_ms: fields.number_or("volatility_call_ms", 0)?,
        random_end_ms: fields.number_or("random_end_ms", 0)?,
        reference_price: fields.number_or("reference_price", 0)?,
        base: fields.text("base")?,
        quote: fields.text("quote")?,
        maker_fee_ppm: fields.number_or("maker_fee_ppm", 0)?,
        taker_fee_ppm: fields.number_or("taker_fee_ppm", 0)?,
    })
}

fn login_terms(fields: &mut Fields<'_>) -> Result<LoginTerms> {
    Ok(LoginTerms {
        login: LoginId(fields.number("login_id")?),
        username: fields.text("username")?,
        firm: fields.text("firm")?,
        account: fields.text("account")?,
        cancel_on_disconnect: fields.flag("cancel_on_disconnect")?,
        disconnect_grace_ms: fields.number_or("disconnect_grace_ms", 0)?,
        self_trade_prevention: fields.known("self_trade_prevention", SelfTradePrevention::from_letter)?,
    })
}

fn set_state(fields: &mut Fields<'_>) -> Result<SetState> {
    Ok(SetState {
        instrument: fields.instrument_or_none()?,
        state: fields.known("state", MarketState::from_letter)?,
        auction: fields.known("auction", AuctionKind::from_letter)?,
        call_ns: fields.number_or("call_ns", 0)?,
        random_ns: fields.number_or("random_ns", 0)?,
        reason: fields.text("reason")?,
    })
}

/// Exactly one of login, firm, account, instrument.
fn scope(fields: &mut Fields<'_>) -> Result<Scope> {
    fields.within("scope", |fields| {
        if let Some(login) = fields.optional_login("login")? {
            return Ok(Scope::Login(login));
        }
        let firm = fields.text("firm")?;
        if !firm.is_blank() {
            return Ok(Scope::Firm(firm));
        }
        let account = fields.text("account")?;
        if !account.is_blank() {
            return Ok(Scope::Account(account));
        }
        fields.instrument().map(Scope::Instrument)
    })
}

fn set_limits(fields: &mut Fields<'_>) -> Result<SetLimits> {
    let scope = scope(fields)?;
    let limits = fields.within("limits", |fields| {
        Ok(RiskLimits {
            quantity_max: fields.number_or("quantity_max", 0)?,
            orders_max: fields.number_or("orders_max", 0)?,
            notional_max: fields.number_or("notional_max", 0)?,
            position_max: fields.number_or("position_max", 0)?,
            rate_per_second: fields.number_or("rate_per_second", 0)?,
            rate_burst: fields.number_or("rate_burst", 0)?,
            fat_finger_bps: fields.number_or("fat_finger_bps", 0)?,
        })
    })?;
    Ok(SetLimits { scope, limits })
}

fn restrict(fields: &mut Fields<'_>) -> Result<Restrict> {
    Ok(Restrict {
        scope: scope(fields)?,
        instrument: fields.instrument_or_none()?,
        restricted: fields.flag("restricted")?,
    })
}

fn kill(fields: &mut Fields<'_>) -> Result<Kill> {
    Ok(Kill { scope: scope(fields)?, killed: fields.flag("killed")? })
}

fn cancel_orders(fields: &mut Fields<'_>) -> Result<CancelOrders> {
    Ok(CancelOrders {
        scope: scope(fields)?,
        instrument: fields.instrument_or_none()?,
        side: fields.letter_or("side", 0)?,
    })
}

fn transfer(fields: &mut Fields<'_>) -> Result<Transfer> {
    Ok(Transfer {
        account: fields.text("account")?,
        asset: fields.text("asset")?,
        amount: fields.number("amount")?,
    })
}

fn bust(fields: &mut Fields<'_>) -> Result<Bust> {
    Ok(Bust {
        match_number: fields.number("match_number")?,
        instrument: fields.instrument_or_none()?,
        price: fields.number("price")?,
        quantity: fields.number("quantity")?,
        reason: fields.letter("reason")?,
        buyer: fields.within("buyer", bust_side)?,
        seller: fields.within("seller", bust_side)?,
    })
}

fn bust_side(fields: &mut Fields<'_>) -> Result<BustSide> {
    Ok(BustSide {
        login: fields.login("login")?,
        user_ref_num: fields.number("user_ref_num")?,
        user_ref_idx: fields.number_or("user_ref_idx", 0)?,
        client_order_id: fields.text("client_order_id")?,
        fee: fields.number_or("fee", 0)?,
    })
}
