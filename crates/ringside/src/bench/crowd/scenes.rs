//! Who else is there while the active clients trade.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use ringside_gateway::CloseReason;

use super::super::open_loop::OpenLoop;
use super::super::progress::Steps;
use super::super::recorder::Recorder;
use super::super::reference::wrong;
use super::super::report::{Report, rounded};
use super::super::wire::Clock;
use super::super::wire::client::Client;
use super::super::wire::load::settle_all;
use super::CrowdArgs;
use super::floor::{self, Floor};
use super::strangers;
use crate::failure::Failure;

/// How often the flooder sends: in bursts, so that its thread sleeps and takes no core from those who are measured.
const FLOOD_STEP: Duration = Duration::from_millis(1);
/// Why a connection without a login ends, whoever ends it.
const REFUSED: [CloseReason; 5] = [
    CloseReason::LoginDeadline,
    CloseReason::Unauthenticated,
    CloseReason::TooMany,
    CloseReason::PerAddress,
    CloseReason::PeerClosed,
];

/// Who else is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
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
            let late = floor.trade(args.turn(), &mut alone)?;
            let among_late = match self {
                Scene::Idle => idle(args, floor, &mut among)?,
                Scene::Storm => storm(args, floor, &mut among, &mut counts)?,
                Scene::Flood => flood(args, round, floor, &mut among, &mut counts)?,
                Scene::Logins => logins(args, floor, &mut among, &mut counts)?,
            };
            counts.latest = counts.latest.max(late).max(among_late);
            steps.step();
        }
        let (alone, among) = (alone.finish(), among.finish());
        let name = self.name();
        report.quantiles(&format!("{name}_without_"), &alone.total);
        report.quantiles(&format!("{name}_with_"), &among.total);
        let names = ["with_p99_us", "without_p99_us", "p99_ratio"].map(|part| format!("{name}_{part}"));
        report.against(&names[0], &names[1], &names[2]);
        report.series(&format!("{name}-with"), among);
        report.number(&format!("{name}_latest_send_ms"), rounded(counts.latest.as_secs_f64() * 1e3));
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
                report.value("logins_refused_as_busy", counts.refused);
                report.value("logins_too_late", counts.late);
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
    /// Logins that were closed at their deadline.
    late: u64,
    seconds: f64,
    /// Longest time that a command of the active clients was sent after its moment.
    latest: Duration,
}

fn idle(args: &CrowdArgs, floor: &mut Floor, among: &mut Recorder) -> Result<Duration, Failure> {
    let address = floor.address;
    let sockets = strangers::log_in(address, floor::idle(args), || floor.keep_alive())?;
    let over = AtomicBool::new(false);
    let traded = std::thread::scope(|scope| {
        scope.spawn(|| strangers::keep_alive(&sockets, &over));
        let traded = floor.trade(args.turn(), among);
        // Relaxed: seen within a step.
        over.store(true, Ordering::Relaxed);
        traded
    });
    if floor.logged_in() != u64::from(args.active) + sockets.len() as u64 {
        return Err(wrong("an idle connection was closed"));
    }
    drop(sockets);
    floor.await_that("idle connections end", |floor| floor.logged_in() == u64::from(args.active))?;
    Ok(traded?)
}

fn storm(
    args: &CrowdArgs,
    floor: &mut Floor,
    among: &mut Recorder,
    counts: &mut Counts,
) -> Result<Duration, Failure> {
    let before = floor.closed(&REFUSED);
    let (address, length) = (floor.address, Duration::from_secs_f64(args.storm_seconds));
    let (traded, came) = std::thread::scope(|scope| {
        let storm = scope.spawn(|| strangers::storm(address, args.storm, length));
        let traded = floor.trade(length, among).and_then(|late| floor.keep_alive().map(|()| late));
        (traded, storm.join().expect("the storm does not panic"))
    });
    let came = came?;
    counts.came += came;
    floor.await_that("all of the storm are closed", |floor| floor.closed(&REFUSED) - before >= came)?;
    counts.ended += floor.closed(&REFUSED) - before;
    Ok(traded?)
}

fn flood(
    args: &CrowdArgs,
    round: u32,
    floor: &mut Floor,
    among: &mut Recorder,
    counts: &mut Counts,
) -> Result<Duration, Failure> {
    let throttled = floor.throttled();
    let (address, over, clock) = (floor.address, AtomicBool::new(false), Clock::start());
    let offered =
        OpenLoop::lasting(0, u64::from(args.flood_limit) * u64::from(args.flood_factor), args.turn() * 2);
    let login = floor::flooders(args).start + round as usize;
    let (traded, client) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| send_in_bursts(address, login, offered, &over, &clock));
        let traded = floor.trade(args.turn(), among);
        // Relaxed: seen within a step.
        over.store(true, Ordering::Relaxed);
        (traded, flood.join().expect("the flooder does not panic"))
    });
    let client = client?;
    let tally = client.tally();
    counts.came += tally.commands;
    counts.ended += tally.accepted + tally.canceled + tally.rejected + tally.void;
    counts.refused += tally.rejected;
    counts.throttled += floor.throttled() - throttled;
    floor.leave(client)?;
    Ok(traded?)
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
) -> Result<Duration, Failure> {
    let (address, before) = (floor.address, refused(floor));
    let (traded, came) = std::thread::scope(|scope| {
        let came = scope.spawn(|| strangers::log_in_at_once(address, floor::dear(args)));
        let traded = floor.trade(args.turn(), among);
        (traded, came.join().expect("logins do not panic"))
    });
    let (accepted, time) = came?;
    let since = |floor: &Floor| std::array::from_fn(|at| refused(floor)[at] - before[at]);
    floor.await_that("everybody is in or refused by name", |floor| {
        let [busy, late] = since(floor);
        accepted + busy + late == u64::from(args.logins)
    })?;
    let [busy, late] = since(floor);
    counts.ended += accepted;
    (counts.refused, counts.late) = (counts.refused + busy, counts.late + late);
    counts.seconds += time.as_secs_f64();
    floor.await_that("they leave", |floor| floor.logged_in() == u64::from(args.active))?;
    Ok(traded?)
}

/// Logins that found too many before them, and those that were not checked in time.
fn refused(floor: &Floor) -> [u64; 2] {
    [CloseReason::VerifierBusy, CloseReason::LoginDeadline].map(|reason| floor.closed(&[reason]))
}
