//! How much a venue bears: the rate rises until it bends, then twice as much is offered, then half of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::open_loop::{Counts, OpenLoop};
use super::super::progress::Steps;
use super::super::recorder::{Recorder, Series};
use super::super::report::{Report, median, rounded, us};
use super::load::{Load, paced, settle_all};
use super::site::Site;
use super::{WireArgs, describe};
use crate::failure::Failure;

/// Where the rate begins unless `--rate` says otherwise.
const FIRST_RATE: u64 = 10_000;
/// Steps of a fifth: from the first rate to some 15 million a second, more than a loopback carries.
const STEPS_MAX: usize = 40;
/// A p99 of more than twice that at half load: the venue bends.
const BENT: f64 = 2.0;
/// Less than 99 % of what is offered comes back in time: the venue bends.
const ACHIEVED: f64 = 0.99;
/// A step bends when two of three measurements say so: one may be a neighbour of the machine.
const TRIES: usize = 3;
/// Looks at the p99 after the overload, and before it for comparison.
const LOOK: Duration = Duration::from_millis(100);
/// Looks at half load before the overload.
const LOOKS: usize = 20;
/// Normal looks one after the other that end the recovery.
const CALM: usize = 3;
/// Looks after which the recovery is given up.
const RECOVERY_LOOKS: usize = 100;

/// One rate.
struct Step {
    rate: u64,
    achieved: f64,
    series: Series,
    counts: Counts,
}

impl Step {
    fn p99(&self) -> f64 {
        us(&self.series.total, 0.99)
    }

    fn bends(&self, half: Option<&Step>) -> bool {
        let slow = half.is_some_and(|half| self.p99() > BENT * half.p99());
        slow || self.achieved < ACHIEVED * self.rate as f64
    }

    fn json(&self) -> Value {
        let quantile = |quantile| us(&self.series.total, quantile);
        json!({
            "rate": self.rate,
            "achieved": rounded(self.achieved),
            "p50_us": quantile(0.5),
            "p99_us": quantile(0.99),
            "p999_us": quantile(0.999),
            "late_sends": self.counts.late,
            "unsent": self.counts.unsent,
        })
    }
}

/// Runs the sweep, the overload and the recovery.
pub fn measure(args: &WireArgs, mut site: Site) -> Result<Report, Failure> {
    let steps = Steps::unknown("sweep");
    let slice = Duration::from_secs_f64(args.duration / 5.0);
    let first = args.rate.unwrap_or(FIRST_RATE);
    site.warm_up(Load::Rate(first))?;
    let (sweep, bent) = rise(&mut site, first, slice, &steps)?;
    let knee = sweep.last().ok_or_else(|| {
        Failure::new(
            1,
            format!("the venue bears less than {first} commands a second: begin with a lower --rate"),
        )
    })?;
    let mut report = Report::new("wire", &args.dir);
    report.number("commands_per_s", knee.achieved);
    report.quantiles("", &knee.series.total);
    report.value("knee_per_s", knee.rate);
    report.value("knee_found", bent.is_some());
    let (knee_rate, knee_achieved) = (knee.rate, knee.achieved);
    steps.say("half load".into());
    let half = half_load(&mut site, knee_rate)?;
    report.number("half_p99_us", half);
    steps.say("overload".into());
    report.value("overload", overload(&mut site, knee_rate, knee_achieved, 3 * slice)?);
    steps.say("recovery".into());
    report.optional("recovery_s", recovery(&mut site, knee_rate / 2, half)?);
    report.value("sweep", sweep.iter().chain(&bent).map(Step::json).collect::<Vec<_>>());
    let knee = sweep.into_iter().next_back().expect("Invariant: there is a step, or it ended above");
    report.counts(knee.counts);
    report.series("knee", knee.series);
    describe(&mut report, args);
    site.close(&mut report)?;
    Ok(report)
}

/// The steps that the venue bore, and the one that it did not bear.
fn rise(
    site: &mut Site,
    first: u64,
    slice: Duration,
    steps: &Steps,
) -> Result<(Vec<Step>, Option<Step>), Failure> {
    let (mut borne, mut rate) = (Vec::<Step>::new(), first);
    while borne.len() < STEPS_MAX {
        steps.say(format!("{rate}/s"));
        let half = borne.iter().min_by_key(|step| step.rate.abs_diff(rate / 2));
        let step = step(site, rate, slice, half)?;
        if step.bends(half) {
            return Ok((borne, Some(step)));
        }
        borne.push(step);
        steps.step();
        rate += rate.div_ceil(5);
    }
    Ok((borne, None))
}

/// Measures a rate; where it bends, again: the middle one of three by p99.
fn step(site: &mut Site, rate: u64, slice: Duration, half: Option<&Step>) -> Result<Step, Failure> {
    let mut tries = vec![one_try(site, rate, slice)?];
    while tries.len() < TRIES && tries.last().is_some_and(|step| step.bends(half)) {
        tries.push(one_try(site, rate, slice)?);
    }
    let bent = tries.iter().filter(|step| step.bends(half)).count();
    let at = tries.iter().position(|step| step.bends(half) == (bent > TRIES / 2));
    Ok(tries.swap_remove(at.unwrap_or(0)))
}

fn one_try(site: &mut Site, rate: u64, slice: Duration) -> Result<Step, Failure> {
    let mut trips = Recorder::over(slice.as_secs_f64());
    let offered = site.offer(Load::Rate(rate), slice, &mut trips)?;
    Ok(Step { rate, achieved: offered.answered_per_s, series: trips.finish(), counts: offered.counts })
}

/// The usual p99 of a look at half load, microseconds.
fn half_load(site: &mut Site, knee: u64) -> Result<f64, Failure> {
    let looks = (0..LOOKS).map(|_| look(site, knee / 2)).collect::<Result<Vec<_>, _>>()?;
    Ok(median(looks))
}

/// p99 of what was answered in a tenth of a second, microseconds.
fn look(site: &mut Site, rate: u64) -> Result<f64, Failure> {
    let mut trips = Recorder::over(1.0);
    let offered = OpenLoop::lasting(site.clock.now(), rate, LOOK);
    paced(&mut site.clients, offered, &site.clock, &mut trips)?;
    Ok(us(&trips.finish().total, 0.99))
}

/// Twice the knee. What the venue did not take is taken back, what it took stays under way.
fn overload(site: &mut Site, knee: u64, achieved: f64, length: Duration) -> Result<Value, Failure> {
    let ring_full = |site: &Site| site.venue.shared().total(|of| &of.ring_full);
    let (before, full, begin) = (site.tally(), ring_full(site), site.clock.now());
    let mut trips = Recorder::over(length.as_secs_f64());
    let offered = OpenLoop::lasting(begin, 2 * knee, length);
    let (mut counts, _) = paced(&mut site.clients, offered, &site.clock, &mut trips)?;
    let after = site.tally();
    let good = after.accepted + after.canceled - before.accepted - before.canceled;
    let goodput = site.clock.rate(begin, good);
    site.clients.iter_mut().for_each(|client| client.take_back(&mut counts));
    let times = trips.finish().total;
    Ok(json!({
        "offered_per_s": 2 * knee,
        "goodput_per_s": rounded(goodput),
        "goodput_per_knee": rounded(goodput / achieved),
        "p50_us": us(&times, 0.5),
        "p99_us": us(&times, 0.99),
        "rejects": after.rejected - before.rejected,
        "sent": counts.sent,
        "unsent": counts.unsent,
        "late_sends": counts.late,
        "socket_full": after.socket_full - before.socket_full,
        "ring_full": ring_full(site) - full,
    }))
}

/// Seconds of half load until the p99 is usual again and stays so; `None` when it does not come to that.
fn recovery(site: &mut Site, rate: u64, usual: f64) -> Result<Option<f64>, Failure> {
    let (begin, mut calm, mut since) = (site.clock.now(), 0, 0);
    for _ in 0..RECOVERY_LOOKS {
        let p99 = look(site, rate)?;
        match p99 <= BENT * usual {
            true if calm == 0 => (calm, since) = (1, site.clock.now()),
            true => calm += 1,
            false => calm = 0,
        }
        if calm == CALM {
            break;
        }
    }
    settle_all(&mut site.clients, &site.clock)?;
    Ok((calm == CALM).then(|| (since - begin) as f64 / 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::histogram;

    fn step(rate: u64, achieved: f64, p99_us: u64) -> Step {
        let mut times = histogram();
        times.saturating_record(p99_us * 1_000);
        Step { rate, achieved, series: times.into(), counts: Counts::default() }
    }

    #[test]
    fn a_step_bends_by_its_p99_or_by_what_it_does_not_achieve() {
        let half = step(10_000, 10_000.0, 100);
        assert!(!step(20_000, 19_900.0, 190).bends(Some(&half)));
        assert!(step(20_000, 19_900.0, 210).bends(Some(&half)));
        assert!(step(20_000, 19_700.0, 100).bends(Some(&half)));
        // Nothing to compare the first step with.
        assert!(!step(10_000, 10_000.0, 9_000).bends(None));
    }
}
