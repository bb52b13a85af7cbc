//! `replay what-if`: the journal carried out once more, a little differently.

use std::path::PathBuf;

use clap::Args;
use ringside_domain::Sequence;
use ringside_replay::{EditError, Edits, WhatIf};
use serde_json::Value;

use super::progress::Progress;
use super::{Output, Source, Style, put_line};
use crate::failure::{Failure, USAGE};

/// Arguments of `replay what-if`.
#[derive(Args)]
pub struct WhatIfArgs {
    #[command(flatten)]
    source: Source,
    /// Leaves these commands out: 5, 5..9 (both included), or several with commas
    #[arg(long, value_name = "SEQ[,SEQ|A..B]")]
    without: Vec<String>,
    /// Leaves out all that this login has sent
    #[arg(long, value_name = "USER")]
    without_login: Vec<String>,
    /// Other commands in the place of those with the same sequence: lines as `print` writes them
    #[arg(long, value_name = "FILE")]
    change: Vec<PathBuf>,
    /// More commands: JSON lines as the field `command` of `print`
    #[arg(long, value_name = "FILE")]
    add: Vec<PathBuf>,
    /// The commands of --add come right behind this sequence, unless their line has an `after` of its own
    #[arg(long, value_name = "SEQ", requires = "add")]
    after: Option<Sequence>,
    /// Both runs end with this sequence
    #[arg(long, default_value_t = Sequence::MAX, hide_default_value = true)]
    to: Sequence,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Style::Json)]
    format: Style,
}

/// Runs it.
pub fn run(args: &WhatIfArgs) -> Result<(), Failure> {
    let mut what_if = WhatIf::open(&args.source.data_dir, edits(args)?)?;
    let progress = Progress::new(what_if.past(), args.to);
    progress.drive(0, args.to, |to| what_if.run_to(to))?;
    drop(progress);
    let report = what_if.report()?;
    match args.format {
        Style::Json => put_line(&report),
        Style::Text => put_text(&report),
    }
}

fn edits(args: &WhatIfArgs) -> Result<Edits, EditError> {
    let mut edits = Edits::default();
    args.without.iter().try_for_each(|text| edits.remove(text))?;
    args.without_login.iter().try_for_each(|name| edits.remove_login(name))?;
    args.change.iter().try_for_each(|file| edits.change(file))?;
    args.add.iter().try_for_each(|file| edits.add(file, args.after))?;
    if edits.is_empty() { Err(EditError::Nothing) } else { Ok(edits) }
}

fn put_text(report: &Value) -> Result<(), Failure> {
    let mut output = Output::new();
    output.line(&format!(
        "{} commands read; {} removed, {} changed, {} added",
        report["commands"], report["removed"], report["changed"], report["added"]
    ))?;
    output.line(&match &report["first_divergent_sequence"] {
        Value::Null => "no other command had other consequences".into(),
        sequence => format!("first other command with other consequences: {sequence}"),
    })?;
    for name in ["trades", "volume", "live_orders", "state_hash"] {
        let [before, after] = ["before", "after"].map(|run| &report[run][name]);
        output.line(&format!("{name:>12}  {} -> {}", plain(before), plain(after)))?;
    }
    put_pairs(&mut output, "positions", &report["positions"], &["login", "symbol"])?;
    put_pairs(&mut output, "logins", &report["logins"], &["login"])?;
    output.line(&format!("orders that ended otherwise: {}", report["orders_changed"]))?;
    put_pairs(&mut output, "orders", &report["orders"], &["login", "user_ref_idx", "user_ref_num"])?;
    output.line(&format!("trades gone: {}, new: {}", report["trades_gone"], report["trades_new"]))?;
    for trade in report["trades"].as_array().into_iter().flatten() {
        let [buyer, seller] = ["buyer", "seller"]
            .map(|side| format!("{} {}", plain(&trade[side]["login"]), trade[side]["user_ref_num"]));
        output.line(&format!(
            "  {} at {}: {} {} at {}, {buyer} from {seller}",
            plain(&trade["change"]),
            trade["sequence"],
            plain(&trade["symbol"]),
            trade["quantity"],
            trade["price"]
        ))?;
    }
    output.end()
}

/// Entries with a side before and one after.
fn put_pairs(output: &mut Output, title: &str, entries: &Value, names: &[&str]) -> Result<(), Failure> {
    let entries = entries.as_array().map_or(&[][..], Vec::as_slice);
    if entries.is_empty() {
        return Ok(());
    }
    output.line(&format!("{title}:"))?;
    for entry in entries {
        let name: Vec<_> = names.iter().map(|name| plain(&entry[*name])).collect();
        let [before, after] = ["before", "after"].map(|run| fields(&entry[run]));
        output.line(&format!("  {}\n    before  {before}\n    after   {after}", name.join(" ")))?;
    }
    Ok(())
}

/// The fields of an object as words; nothing there is `none`.
fn fields(value: &Value) -> String {
    let Some(fields) = value.as_object() else { return "none".into() };
    fields.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
}

/// Text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Replay(error) => error.into(),
            EditError::Lines(error) => error.into(),
            error => Failure::new(USAGE, error),
        }
    }
}
