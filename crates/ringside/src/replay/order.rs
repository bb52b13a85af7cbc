//! `replay order`: the life of one order.

use clap::Args;
use ringside_domain::Sequence;
use ringside_replay::{Life, Step, Wanted, Whole, time_words};
use serde_json::json;

use super::progress::Progress;
use super::{Output, Source, Style};
use crate::failure::{Failure, REFUSED};

/// Arguments of `replay order`.
#[derive(Args)]
pub struct OrderArgs {
    #[command(flatten)]
    source: Source,
    /// Username of the owner
    #[arg(long, value_name = "USER")]
    login: String,
    /// UserRefNum of the order, or of any other in its chain of replacements
    #[arg(long = "ref", value_name = "N")]
    user_ref_num: u32,
    /// UserRefIdx, the channel of the order
    #[arg(long, value_name = "N", default_value_t = 0)]
    idx: u8,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Style::Json)]
    format: Style,
}

/// Runs it. Exit code 1 when there is no such order.
pub fn run(args: &OrderArgs) -> Result<(), Failure> {
    let wanted = Wanted { login: &args.login, user_ref_idx: args.idx, user_ref_num: args.user_ref_num };
    let finding = Progress::waiting("finding the order");
    let found = Life::find(&args.source.data_dir, &wanted)?;
    drop(finding);
    let Some(mut life) = found else {
        let problem = format!("no order {} of {} on channel {}", args.user_ref_num, args.login, args.idx);
        return Err(Failure::new(REFUSED, problem));
    };
    let mut output = Output::new();
    let progress = Progress::new(life.past(), Sequence::MAX);
    progress.drive(0, Sequence::MAX, |to| {
        let mut steps = Vec::new();
        let more = life.run_to(to, |step| steps.push(step))?;
        for step in &steps {
            put_step(&mut output, args.format, step)?;
        }
        Ok::<bool, Failure>(more)
    })?;
    drop(progress);
    put_whole(&mut output, args, &life.whole())?;
    output.end()
}

fn put_step(output: &mut Output, style: Style, step: &Step) -> Result<(), Failure> {
    match style {
        Style::Json => output.line(&step.json())?,
        Style::Text => output.line(&step_text(step))?,
    };
    Ok(())
}

/// Sequence, time, number, what happened, to whom, what is left.
fn step_text(step: &Step) -> String {
    let Step { sequence, time_ns, user_ref_num, words, leaves, counterparty, .. } = step;
    let with = counterparty.as_ref().map_or(String::new(), |other| {
        let channel =
            if other.user_ref_idx == 0 { String::new() } else { format!("/{}", other.user_ref_idx) };
        format!(", with {}{channel} {}", other.login, other.user_ref_num)
    });
    format!("{sequence:>10}  {}  #{user_ref_num}  {words}{with}; leaves {leaves}", time_words(*time_ns))
}

fn put_whole(output: &mut Output, args: &OrderArgs, whole: &Whole) -> Result<(), Failure> {
    let mut value = whole.json();
    match args.format {
        Style::Json => {
            value["login"] = json!(args.login);
            output.line(&json!({"order": value}))?;
        }
        Style::Text => {
            let Whole { root, last, executed, leaves, ending, .. } = whole;
            let chain = if root == last { format!("#{root}") } else { format!("#{root} to #{last}") };
            output.line(&format!("{chain}: {}, executed {executed}, leaves {leaves}", ending.name()))?;
        }
    }
    Ok(())
}
