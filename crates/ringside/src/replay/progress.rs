//! A progress bar with the time that is left, for a person at a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringside_domain::Sequence;
use ringside_replay::Past;

/// Commands between two looks at the bar: some tens of milliseconds.
const STEP: u64 = 1 << 16;

/// Between two turns of a spinner.
const TICK: Duration = Duration::from_millis(100);

/// How far a replay has come. Costs nothing when stderr is no terminal.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Of a replay up to `to`, or up to where the journal is expected to end.
    pub fn new(past: &Past, to: Sequence) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress { bar: ProgressBar::hidden() };
        }
        let end = match past.expected_last() {
            Some(last) => Some(last.min(to)),
            None if to == Sequence::MAX => None,
            None => Some(to),
        };
        let template = match end {
            Some(_) => "{elapsed_precise} {wide_bar} {human_pos}/{human_len} {per_sec}, {eta} left",
            None => "{elapsed_precise} {spinner} {human_pos} {per_sec}",
        };
        let style = ProgressStyle::with_template(template).expect("Invariant: a template of constant text");
        let bar =
            ProgressBar::with_draw_target(end, ProgressDrawTarget::stderr_with_hz(10)).with_style(style);
        Progress { bar }
    }

    /// Of something whose length is not known: says what is going on, and for how long.
    pub fn waiting(what: &'static str) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress { bar: ProgressBar::hidden() };
        }
        let style = ProgressStyle::with_template("{elapsed_precise} {spinner} {msg}");
        let style = style.expect("Invariant: a template of constant text");
        let bar =
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10)).with_style(style);
        bar.set_message(what);
        bar.enable_steady_tick(TICK);
        Progress { bar }
    }

    /// Carries something out in steps up to `to`, as long as `step` says that there may be more. `step` is given
    /// where to stop.
    pub fn drive<E>(
        &self,
        from: Sequence,
        to: Sequence,
        mut step: impl FnMut(Sequence) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut at = from;
        while at < to {
            at = at.saturating_add(STEP).min(to);
            let more = step(at)?;
            self.bar.set_position(at.min(self.bar.length().unwrap_or(at)));
            if !more {
                break;
            }
        }
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
