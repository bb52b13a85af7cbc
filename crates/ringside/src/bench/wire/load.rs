//! How commands are offered to a venue: so many in flight, or so many a second whatever is in flight. All clients are on one
//! thread.

use std::io;
use std::time::Duration;

use super::super::open_loop::{Counts, OpenLoop};
use super::super::recorder::Recorder;
use super::Clock;
use super::client::Client;

/// Longest wait for the last answers. A full set of socket buffers is worth a second or two.
const SETTLE_MAX: Duration = Duration::from_secs(10);

/// How commands are offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Load {
    /// So many in flight per connection.
    Window(usize),
    /// So many a second over all connections.
    Rate(u64),
}

/// What became of a slice of load.
#[derive(Clone, Copy, Debug)]
pub struct Offered {
    /// Of an open loop; a closed one has none.
    pub counts: Counts,
    /// Answers a second while commands were offered.
    pub answered_per_s: f64,
}

/// Offers commands for some time, then waits for the answers still under way, so that the next slice starts clean.
pub fn offer(
    clients: &mut [Client],
    load: Load,
    slice: Duration,
    clock: &Clock,
    trips: &mut Recorder,
) -> io::Result<Offered> {
    let begin = clock.now();
    if let ([client], Load::Window(1)) = (&mut *clients, load) {
        let answers = client.one_by_one(slice, clock, trips)?;
        return Ok(Offered { counts: Counts::default(), answered_per_s: clock.rate(begin, answers) });
    }
    let mut waiting = Waiting::on(clients)?;
    let (mut counts, answers) = match load {
        Load::Window(window) => {
            (Counts::default(), windowed(clients, window, slice, clock, trips, &mut waiting)?)
        }
        Load::Rate(rate) => paced(clients, OpenLoop::lasting(begin, rate, slice), clock, trips)?,
    };
    let answered_per_s = clock.rate(begin, answers);
    settle(clients, clock, trips, &mut waiting, &mut counts)?;
    Ok(Offered { counts, answered_per_s })
}

/// Sleeps until a socket of a client can do something.
struct Waiting {
    poll: mio::Poll,
    events: mio::Events,
}

impl Waiting {
    fn on(clients: &[Client]) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        for (n, client) in clients.iter().enumerate() {
            client.socket().set_nonblocking(true)?;
            let fd = std::os::fd::AsRawFd::as_raw_fd(client.socket());
            let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
            poll.registry().register(&mut mio::unix::SourceFd(&fd), mio::Token(n), interest)?;
        }
        Ok(Waiting { poll, events: mio::Events::with_capacity(64) })
    }

    fn wait(&mut self, most: Duration) -> io::Result<impl Iterator<Item = usize>> {
        match self.poll.poll(&mut self.events, Some(most)) {
            // This process was stopped and goes on: epoll_wait(2) does not begin anew by itself.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.events.clear(),
            polled => polled?,
        }
        Ok(self.events.iter().map(|event| event.token().0))
    }
}

fn windowed(
    clients: &mut [Client],
    window: usize,
    slice: Duration,
    clock: &Clock,
    trips: &mut Recorder,
    waiting: &mut Waiting,
) -> io::Result<u64> {
    let (end, mut answers) = (clock.now() + slice.as_nanos() as u64, 0);
    for client in clients.iter_mut() {
        client.fill(window, clock)?;
    }
    while clock.now() < end {
        for at in waiting.wait(Duration::from_millis(100))? {
            answers += clients[at].drain(clock, trips)?;
            clients[at].fill(window, clock)?;
        }
    }
    Ok(answers)
}

/// Every command has its moment; one that is sent late is timed from that moment all the same, one that finds its client's
/// buffer full is unsent.
pub fn paced(
    clients: &mut [Client],
    offered: OpenLoop,
    clock: &Clock,
    trips: &mut Recorder,
) -> io::Result<(Counts, u64)> {
    paced_with(clients, offered, clock, trips, |offered| clock.rest(offered))
}

/// The same with another way to wait for the next moment.
pub fn paced_with(
    clients: &mut [Client],
    mut offered: OpenLoop,
    clock: &Clock,
    trips: &mut Recorder,
    rest: impl Fn(&OpenLoop),
) -> io::Result<(Counts, u64)> {
    clients.iter().try_for_each(|client| client.socket().set_nonblocking(true))?;
    let (mut turn, mut answers) = (0, 0);
    while !offered.is_over() {
        let now = clock.now();
        while offered.is_due(now) {
            let client = &mut clients[turn % clients.len()];
            turn += 1;
            match client.has_room() {
                true => client.push_command(offered.send(now)),
                false => offered.skip(),
            }
        }
        for client in clients.iter_mut() {
            client.write_some()?;
            answers += client.drain(clock, trips)?;
        }
        rest(&offered);
    }
    Ok((offered.counts(), answers))
}

/// Waits for the answers to all that has been sent, times aside; an error when some do not come.
pub fn settle_all(clients: &mut [Client], clock: &Clock) -> io::Result<()> {
    let (mut waiting, mut counts) = (Waiting::on(clients)?, Counts::default());
    settle(clients, clock, &mut Recorder::over(1.0), &mut waiting, &mut counts)?;
    match counts.unacknowledged {
        0 => Ok(()),
        count => Err(io::Error::other(format!("{count} commands have no answer after {SETTLE_MAX:?}"))),
    }
}

/// Takes back what has not left, and waits for the answers to what has.
fn settle(
    clients: &mut [Client],
    clock: &Clock,
    trips: &mut Recorder,
    waiting: &mut Waiting,
    counts: &mut Counts,
) -> io::Result<()> {
    let open_loop = counts.sent > 0;
    let end = clock.now() + SETTLE_MAX.as_nanos() as u64;
    if open_loop {
        clients.iter_mut().for_each(|client| client.take_back(counts));
    }
    while clients.iter().any(|client| client.in_flight() > 0) && clock.now() < end {
        // Who comes first does not matter here.
        waiting.wait(Duration::from_millis(10))?.for_each(drop);
        for client in clients.iter_mut() {
            client.write_some()?;
            client.drain(clock, trips)?;
        }
    }
    counts.unacknowledged = clients.iter().map(|client| client.in_flight() as u64).sum();
    Ok(())
}
