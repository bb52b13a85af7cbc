//! Who else is there while the active clients trade.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringside_gateway::CloseReason;
use ringside_gateway::limits::LOGIN_DEADLINE;
use ringside_wire::soup::{self, kind};

use super::super::open_loop::OpenLoop;
use super::super::progress::Steps;
use super::super::recorder::Recorder;
use super::super::reference::wrong;
use super::super::report::Report;
use super::super::wire::Clock;
use super::super::wire::client::Client;
use super::super::wire::load::settle_all;
use super::CrowdArgs;
use super::floor::{self, Floor};
use crate::failure::Failure;

/// How often the flooder sends: in bursts, so that its thread sleeps and takes no core from those who are measured.
const FLOOD_STEP: Duration = Duration::from_millis(1);
/// Longest wait for the venue to count what has ended.
const COUNT_MAX: Duration = Duration::from_secs(10);
/// Why a connection without a login ends, whoever ends it.
const REFUSED: [CloseReason; 5] = [
    CloseReason::LoginDeadline,
    CloseReason::Unauthenticated,
    CloseReason::TooMany,
    CloseReason::PerAddress,
    CloseReason::PeerClosed,
];

/// Who else is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scene {
    /// Many connections that are logged in and say nothing.
    Idle,
    /// Many connections that never log in.
    Storm,
    /// One login sends ten times what it may.
    Flood,
    /// Many logins at once with a dear password.
    Logins,
}

impl Scene {
    pub const ALL: [Scene; 4] = [Scene::Idle, Scene::Storm, Scene::Flood, Scene::Logins];

    const fn name(self) -> &'static str {
        match self {
            Scene::Idle => "idle",
            Scene::Storm => "storm",
            Scene::Flood => "flood",
            Scene::Logins => "logins",
        }
    }

    /// The active clients alone and in this scene, in turns.
    pub fn measure(
        self,
        args: &CrowdArgs,
        floor: &mut Floor,
        steps: &Steps,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let over = || Recorder::over(args.duration * f64::from(args.rounds));
        let (mut alone, mut among, mut counts) = (over(), over(), Counts::default());
        for round in 0..args.rounds {
            floor.trade(args.turn(), Some(&mut alone))?;
            match self {
                Scene::Idle => idle(args, floor, &mut among)?,
                Scene::Storm => storm(args, floor, &mut among, &mut counts)?,
                Scene::Flood => flood(args, round, floor, &mut among, &mut counts)?,
                Scene::Logins => logins(args, floor, &mut among, &mut counts)?,
            }
            steps.step();
        }
        let (alone, among) = (alone.finish(), among.finish());
        let name = self.name();
        report.quantiles(&format!("{name}_without_"), &alone.total);
        report.quantiles(&format!("{name}_with_"), &among.total);
        let names = ["with_p99_us", "without_p99_us", "p99_ratio"].map(|part| format!("{name}_{part}"));
        report.against(&names[0], &names[1], &names[2]);
        report.series(&format!("{name}-with"), among);
        self.tell(&counts, report);
        Ok(())
    }

    fn tell(self, counts: &Counts, report: &mut Report) {
        match self {
            Scene::Idle => {}
            Scene::Storm => {
                report.value("storm_connects", counts.came);
                report.value("storm_closed_and_counted", counts.ended);
            }
            Scene::Flood => {
                report.value("flood_sent", counts.came);
                report.value("flood_answered", counts.ended);
                report.value("flood_rejected", counts.refused);
                report.value("flood_left_unread", counts.throttled);
            }
            Scene::Logins => {
                report.value("logins_accepted", counts.ended);
                report.value("logins_refused", counts.refused);
                report.number("logins_per_s", counts.ended as f64 / counts.seconds);
            }
        }
    }
}

/// What became of those who came.
#[derive(Default)]
struct Counts {
    came: u64,
    ended: u64,
    refused: u64,
    throttled: u64,
    seconds: f64,
}

fn idle(args: &CrowdArgs, floor: &mut Floor, among: &mut Recorder) -> Result<(), Failure> {
    let connect = |n| Client::connect(floor.address, n).map(Client::into_socket);
    let mut sockets = floor::idle(args).map(connect).collect::<io::Result<Vec<_>>>()?;
    let mut heartbeat = Vec::new();
    soup::put_packet(kind::CLIENT_HEARTBEAT, &[], &mut heartbeat);
    sockets.iter_mut().try_for_each(|socket| socket.write_all(&heartbeat))?;
    floor.trade(args.turn(), Some(among))?;
    if floor.logged_in() != u64::from(args.active) + sockets.len() as u64 {
        return Err(wrong("an idle connection was closed"));
    }
    drop(sockets);
    await_that("idle connections end", || floor.logged_in() == u64::from(args.active))
}

fn storm(
    args: &CrowdArgs,
    floor: &mut Floor,
    among: &mut Recorder,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let before = floor.closed(&REFUSED);
    let (address, length) = (floor.address, Duration::from_secs_f64(args.storm_seconds));
    let came = std::thread::scope(|scope| {
        let storm = scope.spawn(|| connect_and_wait(address, args.storm, length));
        let traded = floor.trade(length, Some(among));
        let came = storm.join().expect("the storm does not panic");
        traded.and(came)
    });
    counts.came += came?;
    await_that("all of the storm are closed", || floor.closed(&REFUSED) - before >= u64::from(args.storm))?;
    counts.ended += floor.closed(&REFUSED) - before;
    Ok(())
}

/// So many connections at even distances; each is held until the venue has closed it.
fn connect_and_wait(address: SocketAddr, total: u32, length: Duration) -> io::Result<u64> {
    let (begin, hold) = (Instant::now(), LOGIN_DEADLINE + Duration::from_secs(1));
    let mut open: VecDeque<(Instant, TcpStream)> = VecDeque::new();
    for n in 0..total {
        std::thread::sleep((begin + length * n / total).saturating_duration_since(Instant::now()));
        open.push_back((Instant::now(), TcpStream::connect(address)?));
        while open.front().is_some_and(|(since, _)| since.elapsed() > hold) {
            open.pop_front();
        }
    }
    let Some((last, _)) = open.back() else { return Ok(0) };
    std::thread::sleep((*last + hold).saturating_duration_since(Instant::now()));
    Ok(u64::from(total))
}

fn flood(
    args: &CrowdArgs,
    round: u32,
    floor: &mut Floor,
    among: &mut Recorder,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let throttled = floor.throttled();
    let (address, over, clock) = (floor.address, AtomicBool::new(false), Clock::start());
    let offered =
        OpenLoop::lasting(0, u64::from(args.flood_limit) * u64::from(args.flood_factor), args.turn() * 2);
    let login = floor::flooders(args).start + round as usize;
    let client = std::thread::scope(|scope| {
        let flood = scope.spawn(|| send_in_bursts(address, login, offered, &over, &clock));
        let traded = floor.trade(args.turn(), Some(among));
        // Relaxed: seen within a step.
        over.store(true, Ordering::Relaxed);
        let client = flood.join().expect("the flooder does not panic");
        traded.and(client)
    });
    let client = client?;
    let tally = client.tally();
    counts.came += tally.commands;
    counts.ended += tally.accepted + tally.canceled + tally.rejected + tally.void;
    counts.refused += tally.rejected;
    counts.throttled += floor.throttled() - throttled;
    floor.leave(client)
}

/// Sends until it is over, then waits for all answers.
fn send_in_bursts(
    address: SocketAddr,
    login: usize,
    mut offered: OpenLoop,
    over: &AtomicBool,
    clock: &Clock,
) -> io::Result<Client> {
    let mut client = Client::connect(address, login)?;
    client.socket().set_nonblocking(true)?;
    let mut unkept = Recorder::over(1.0);
    // Relaxed: a request that is seen soon.
    while !over.load(Ordering::Relaxed) {
        let now = clock.now();
        while offered.is_due(now) {
            match client.has_room() {
                true => client.push_command(offered.send(now)),
                false => offered.skip(),
            }
        }
        client.write_some()?;
        client.drain(clock, &mut unkept)?;
        std::thread::sleep(FLOOD_STEP);
    }
    settle_all(std::slice::from_mut(&mut client), clock)?;
    Ok(client)
}

fn logins(
    args: &CrowdArgs,
    floor: &mut Floor,
    among: &mut Recorder,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let address = floor.address;
    let (traded, (accepted, seconds)) = std::thread::scope(|scope| {
        let came = scope.spawn(|| log_in_at_once(address, args));
        let traded = floor.trade(args.turn(), Some(among));
        (traded, came.join().expect("logins do not panic"))
    });
    traded?;
    counts.ended += accepted;
    counts.refused += u64::from(args.logins) - accepted;
    counts.seconds += seconds;
    await_that("they leave", || floor.logged_in() == u64::from(args.active))
}

/// Everybody asks at once; how many were let in, and when the last one was.
fn log_in_at_once(address: SocketAddr, args: &CrowdArgs) -> (u64, f64) {
    let begin = Instant::now();
    let accepted = std::thread::scope(|scope| {
        let ask = |n| scope.spawn(move || Client::connect(address, n));
        let asked: Vec<_> = floor::dear(args).map(ask).collect();
        // All are held until the last one is in.
        let clients: Vec<_> =
            asked.into_iter().map(|one| one.join().expect("a login does not panic")).collect();
        clients.iter().filter(|client| client.is_ok()).count()
    });
    (accepted as u64, begin.elapsed().as_secs_f64())
}

fn await_that(what: &str, is_so: impl Fn() -> bool) -> Result<(), Failure> {
    let begin = Instant::now();
    while !is_so() {
        if begin.elapsed() > COUNT_MAX {
            return Err(wrong(format!("not within {COUNT_MAX:?}: {what}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
