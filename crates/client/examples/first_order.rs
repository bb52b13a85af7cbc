//! Logs in to a running venue, enters one order and prints the replies.
//!
//! ```text
//! cargo run -p ringside-client --example first_order -- 127.0.0.1:9001 ALICE pw-alice
//! ```

use std::error::Error;
use std::time::Duration;

use ringside_client::{Client, ClientOptions, Credentials, Message};
use ringside_domain::{ClientOrderId, Symbol};
use ringside_wire::ouch::{AccountQuery, Enter, Reply, Request, Tags, decode_reply};

/// Longest wait for the next reply.
const PATIENCE: Duration = Duration::from_secs(2);

#[allow(dead_code, reason = "a test runs the rest of this file")]
fn main() -> Result<(), Box<dyn Error>> {
    run(&std::env::args().skip(1).collect::<Vec<_>>()).map(drop)
}

/// Does it; how many replies came.
pub fn run(args: &[String]) -> Result<u32, Box<dyn Error>> {
    let [addr, username, password] = args else { return Err("arguments: ADDRESS USERNAME PASSWORD".into()) };
    let credentials = Credentials::new(username, password)?;
    // Sequence 0: only what is new.
    let mut client = Client::connect(addr.as_str(), &credentials, None, 0, ClientOptions::default())?;
    println!("session {}, next message {}", client.session(), client.next_sequence());

    let user_ref_num = next_user_ref_num(&mut client)?;
    client.send(&first_order(user_ref_num))?;
    let mut replies = 0;
    while let Some(Message::Sequenced { sequence, payload }) = client.recv(PATIENCE)? {
        println!("{sequence}: {:?}", decode_reply(payload)?);
        replies += 1;
    }
    client.logout()?;
    Ok(replies)
}

/// The login may have been used before: its UserRefNums go on.
fn next_user_ref_num(client: &mut Client) -> Result<u32, Box<dyn Error>> {
    client.send(&Request::AccountQuery(AccountQuery { tags: Tags::EMPTY }))?;
    while let Some(Message::Sequenced { payload, .. }) = client.recv(PATIENCE)? {
        if let Reply::AccountQueryResponse(answer) = decode_reply(payload)? {
            return Ok(answer.next_user_ref_num);
        }
    }
    Err("no answer to the account query".into())
}

/// Buy 5 ESH4 at 4800.25, good for the day.
fn first_order(user_ref_num: u32) -> Request<'static> {
    Request::Enter(Enter {
        user_ref_num,
        side: b'B',
        quantity: 5,
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
