//! Enters orders through a session that goes on whatever happens to the link or the venue, and tells what became of each
//! one. Kill the venue with `kill -9` meanwhile, start it again, and look.
//!
//! ```text
//! cargo run -p ringside-client --example survivor -- 127.0.0.1:9001 ALICE pw-alice 1000
//! ```

use std::error::Error;
use std::time::Duration;

use ringside_client::{AfterLoss, Credentials, Message, Session, SessionOptions};
use ringside_domain::{ClientOrderId, Symbol};
use ringside_wire::ouch::{AccountQuery, Enter, Reply, Request, Tags, decode_reply};

/// Longest wait for the next reply.
const PATIENCE: Duration = Duration::from_secs(5);

#[allow(dead_code, reason = "a test runs the rest of this file")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", run(&std::env::args().skip(1).collect::<Vec<_>>())?);
    Ok(())
}

/// Does it; what there is to say in the end.
pub fn run(args: &[String]) -> Result<String, Box<dyn Error>> {
    let [addr, username, password, orders] = args else {
        return Err("arguments: ADDRESS USERNAME PASSWORD ORDERS".into());
    };
    let (credentials, orders) = (Credentials::new(username, password)?, orders.parse::<u32>()?);
    let options = SessionOptions { after_loss: AfterLoss::Ask, ..SessionOptions::default() };
    let mut session = Session::connect(addr.as_str(), &credentials, None, 0, options)?;
    let first = next_user_ref_num(&mut session)?;
    let (mut accepted, mut never_received) = (0_u32, 0_u32);
    for number in first..first + orders {
        session.send(&order(number))?;
        while let Some(message) = session.try_recv()? {
            accepted += u32::from(is_accepted(&message)?);
        }
    }
    session.fence()?;
    while session.unacknowledged() + session.fences() + session.doubtful() > 0 {
        let message = session.recv(PATIENCE)?.ok_or("no answer in time")?;
        accepted += u32::from(is_accepted(&message)?);
    }
    while let Some(resolved) = session.take_resolved() {
        never_received += u32::from(resolved.fate == ringside_client::Fate::NeverReceived);
    }
    let reconnects = session.reconnects();
    session.logout()?;
    Ok(format!(
        "{orders} sent, {accepted} accepted, {never_received} never received, {reconnects} reconnects"
    ))
}

fn is_accepted(message: &Message<'_>) -> Result<bool, Box<dyn Error>> {
    match message {
        Message::Sequenced { payload, .. } => Ok(matches!(decode_reply(payload)?, Reply::Accepted(_))),
        Message::EndOfSession => Err("the session has ended".into()),
    }
}

/// The login may have been used before: its UserRefNums go on.
fn next_user_ref_num(session: &mut Session) -> Result<u32, Box<dyn Error>> {
    session.send(&Request::AccountQuery(AccountQuery { tags: Tags::EMPTY }))?;
    while let Some(Message::Sequenced { payload, .. }) = session.recv(PATIENCE)? {
        if let Reply::AccountQueryResponse(answer) = decode_reply(payload)? {
            return Ok(answer.next_user_ref_num);
        }
    }
    Err("no answer to the account query".into())
}

/// Buy 1 ESH4 at 4800.25, good for the day.
fn order(user_ref_num: u32) -> Request<'static> {
    Request::Enter(Enter {
        user_ref_num,
        side: b'B',
        quantity: 1,
        symbol: Symbol::new("ESH4").unwrap_or_default(),
        price: 48_002_500,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: ClientOrderId::BLANK,
        tags: Tags::EMPTY,
    })
}
