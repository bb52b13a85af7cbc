//! Connections of those who do not trade. Nobody is waited for without a limit: a venue that does not answer ends the bench with
//! an error that says who was waited for.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringside_gateway::limits::LOGIN_DEADLINE;
use ringside_wire::soup::{self, kind};

use super::super::wire::client::{LOGIN_MAX, ask};

/// Logins that are asked for before the first answer is waited for.
const TOGETHER: usize = 100;
/// How often those who are logged in say so; a third of what SoupBinTCP allows.
const ALIVE_STEP: Duration = Duration::from_secs(5);
/// How often is looked whether it is over.
const OVER_STEP: Duration = Duration::from_millis(10);

/// Logs all of them in; `meanwhile` is called now and then. An error when one is not let in.
pub fn log_in(
    address: SocketAddr,
    numbers: Range<usize>,
    mut meanwhile: impl FnMut() -> io::Result<()>,
) -> io::Result<Vec<TcpStream>> {
    let (mut sockets, mut since) = (Vec::with_capacity(numbers.len()), Instant::now());
    let all: Vec<usize> = numbers.collect();
    for some in all.chunks(TOGETHER) {
        let first = sockets.len();
        for n in some {
            sockets.push(ask(address, *n)?);
        }
        for (socket, n) in sockets[first..].iter_mut().zip(some) {
            if !is_accepted(socket) {
                return Err(io::Error::other(format!("login C{n} was not let in within {LOGIN_MAX:?}")));
            }
        }
        if since.elapsed() > ALIVE_STEP {
            say_alive(&sockets)?;
            meanwhile()?;
            since = Instant::now();
        }
    }
    say_alive(&sockets)?;
    meanwhile()?;
    Ok(sockets)
}

/// Says for all of them that they are there, until it is over.
pub fn keep_alive(sockets: &[TcpStream], over: &AtomicBool) {
    let mut since = Instant::now();
    // Relaxed: a request that is seen soon.
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(OVER_STEP);
        if since.elapsed() > ALIVE_STEP {
            // Who was closed is missed in the count of those who are logged in.
            let _ = say_alive(sockets);
            since = Instant::now();
        }
    }
}

fn say_alive(sockets: &[TcpStream]) -> io::Result<()> {
    let mut heartbeat = Vec::new();
    soup::put_packet(kind::CLIENT_HEARTBEAT, &[], &mut heartbeat);
    sockets.iter().try_for_each(|mut socket| socket.write_all(&heartbeat))
}

/// True when the first packet that comes lets it in.
fn is_accepted(socket: &mut TcpStream) -> bool {
    let mut header = [0; soup::HEADER_BYTES];
    socket.read_exact(&mut header).is_ok() && header[2] == kind::LOGIN_ACCEPTED
}

/// Everybody asks at once; how many were let in, and when the last one was. All are held until then.
pub fn log_in_at_once(address: SocketAddr, numbers: Range<usize>) -> io::Result<(u64, Duration)> {
    let begin = Instant::now();
    let mut asked = numbers.map(|n| ask(address, n)).collect::<io::Result<Vec<_>>>()?;
    let (mut accepted, mut last) = (0, Duration::ZERO);
    for socket in &mut asked {
        if is_accepted(socket) {
            (accepted, last) = (accepted + 1, begin.elapsed());
        }
    }
    Ok((accepted, last))
}

/// So many connections without a login at even distances; each is held until the venue has closed it. How many there were.
pub fn storm(address: SocketAddr, total: u32, length: Duration) -> io::Result<u64> {
    let (begin, hold) = (Instant::now(), LOGIN_DEADLINE + Duration::from_secs(1));
    let mut open: VecDeque<(Instant, TcpStream)> = VecDeque::new();
    for n in 0..total {
        std::thread::sleep((begin + length * n / total).saturating_duration_since(Instant::now()));
        open.push_back((Instant::now(), TcpStream::connect_timeout(&address, LOGIN_MAX)?));
        while open.front().is_some_and(|(since, _)| since.elapsed() > hold) {
            open.pop_front();
        }
    }
    let Some((last, _)) = open.back() else { return Ok(0) };
    std::thread::sleep((*last + hold).saturating_duration_since(Instant::now()));
    Ok(u64::from(total))
}
