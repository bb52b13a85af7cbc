//! A session in a poll loop (mio's) that has other things to do: nothing here ever blocks but the poll.
//!
//! ```text
//! cargo run -p ringside-client --example poll_loop -- 127.0.0.1:9001 ALICE pw-alice
//! ```

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use ringside_client::{Credentials, Driver, DriverState, Message, SessionOptions};
use ringside_wire::ouch::{AccountQuery, Request, Tags, decode_reply};

/// The loop ends after this long without an answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[allow(dead_code, reason = "a test runs the rest of this file")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", run(&std::env::args().skip(1).collect::<Vec<_>>())?);
    Ok(())
}

/// Asks for the next UserRefNum, whatever happens to the link on the way; the answer in words.
pub fn run(args: &[String]) -> Result<String, Box<dyn Error>> {
    let [addr, username, password] = args else { return Err("arguments: ADDRESS USERNAME PASSWORD".into()) };
    let (addr, credentials): (SocketAddr, _) = (addr.parse()?, Credentials::new(username, password)?);
    let begin = Instant::now();
    let mut driver = Driver::new(&credentials, None, 0, SessionOptions::default(), begin)?;
    driver.send(&Request::AccountQuery(AccountQuery { tags: Tags::EMPTY }))?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(8));
    let mut socket = None;
    while begin.elapsed() < PATIENCE {
        let now = Instant::now();
        open_when_due(&mut driver, &mut socket, addr, &poll, now)?;
        loop {
            let more = socket.as_mut().is_some_and(|socket| read(&mut driver, socket, now));
            while let Some(message) = driver.next_message(now)? {
                if let Message::Sequenced { sequence, payload } = message {
                    return Ok(format!("{sequence}: {:?}", decode_reply(payload)?));
                }
            }
            if !more {
                break;
            }
        }
        if let Some(socket) = &mut socket {
            write(&mut driver, socket, now);
        }
        let wait = driver.wakes_at().map(|at| at.saturating_duration_since(Instant::now()));
        poll.poll(&mut events, wait)?;
    }
    Err("no answer in time".into())
}

/// Opens a connection when the driver wants one. The old one goes.
fn open_when_due(
    driver: &mut Driver,
    socket: &mut Option<TcpStream>,
    addr: SocketAddr,
    poll: &Poll,
    now: Instant,
) -> Result<(), Box<dyn Error>> {
    let DriverState::Down { connect_at } = driver.state() else { return Ok(()) };
    *socket = None;
    if now >= connect_at {
        let mut opened = TcpStream::connect(addr)?;
        poll.registry().register(&mut opened, Token(0), Interest::READABLE | Interest::WRITABLE)?;
        *socket = Some(opened);
        driver.connected(now);
    }
    Ok(())
}

/// Reads as much as there is room for. True: there may be more, and the readiness is told once.
fn read(driver: &mut Driver, socket: &mut TcpStream, now: Instant) -> bool {
    match socket.read(driver.room()) {
        Ok(0) => driver.lost(now),
        Ok(length) => {
            driver.filled(length, now);
            return true;
        }
        Err(error) if is_not_yet(error.kind()) => {}
        Err(_) => driver.lost(now),
    }
    false
}

fn write(driver: &mut Driver, socket: &mut TcpStream, now: Instant) {
    while !driver.outgoing().is_empty() {
        match socket.write(driver.outgoing()) {
            Ok(length) => driver.written(length, now),
            Err(error) if is_not_yet(error.kind()) => return,
            Err(_) => return driver.lost(now),
        }
    }
}

/// Nothing now, or the connection is still being opened.
fn is_not_yet(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::NotConnected)
}
