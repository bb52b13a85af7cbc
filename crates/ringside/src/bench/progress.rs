//! How far a bench is, for a person at a terminal. Moves between measurements only: no thread draws beside the clock.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Some steps of a bench. Nothing where stderr is no terminal.
pub struct Steps(ProgressBar);

impl Steps {
    /// So many steps of a bench.
    pub fn new(name: &'static str, steps: u64) -> Self {
        Steps::drawn(name, ProgressBar::new(steps), "{msg:>10} {wide_bar} {pos}/{len} {elapsed}")
    }

    /// As many steps as it takes.
    pub fn unknown(name: &'static str) -> Self {
        Steps::drawn(name, ProgressBar::no_length(), "{msg:>10} step {pos} {elapsed}")
    }

    fn drawn(name: &'static str, bar: ProgressBar, template: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Steps(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template(template).expect("Invariant: a template of constant text");
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        bar.set_style(style);
        bar.set_message(name);
        bar.tick();
        Steps(bar)
    }

    /// One more is done.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// Says what is being done.
    pub fn say(&self, what: String) {
        self.0.set_message(what);
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
