//! The table for people: every figure, beside it the floor of the same run and how many times that it is.

use std::fmt::Write;

use serde_json::Value;

use super::super::report::{Footing, Report};

/// Columns of lists that come first.
const CHOSEN: [&str; 3] = ["instruments", "resting", "rate"];

/// All reports, one below the other.
pub fn render(reports: &[Report]) -> String {
    let mut text = String::new();
    for report in reports {
        let _ = writeln!(text, "{:<32} {:>14}  {:>14} {:>8}", report.name, "measured", "floor", "× floor");
        rows(report, &mut text);
        text.push('\n');
    }
    text
}

fn rows(report: &Report, text: &mut String) {
    for (name, value) in report.rows() {
        match value {
            Value::Array(rows) => list(name, rows, text),
            Value::Object(fields) => {
                for (field, value) in fields {
                    let _ = writeln!(text, "{:<32} {:>14}", format!("{name}.{field}"), plain(value));
                }
            }
            _ => row(report, name, value, text),
        }
    }
}

fn row(report: &Report, name: &str, value: &Value, text: &mut String) {
    let mut footings = report.footings.iter().filter(|footing| footing.figure == name);
    let _ = write!(text, "{name:<32} {:>14}", plain(value));
    let _ = match footings.next() {
        Some(footing) => writeln!(text, "  {}", against(report, footing)),
        None => writeln!(text),
    };
    for footing in footings {
        let _ = writeln!(text, "{:<32} {:>14}  {}", "", "", against(report, footing));
    }
}

fn against(report: &Report, Footing { floor, ratio, .. }: &Footing) -> String {
    format!("{:>14} {:>8}  {floor}", report.get(floor), report.get(ratio))
}

/// Rows of one kind, as a table in the table.
fn list(name: &str, rows: &[Value], text: &mut String) {
    let _ = writeln!(text, "{name}:");
    let names = columns(rows);
    if names.is_empty() {
        return;
    }
    for name in &names {
        let _ = write!(text, " {name:>14}");
    }
    text.push('\n');
    for row in rows {
        for name in &names {
            let _ = write!(text, " {:>14}", plain(&row[name]));
        }
        text.push('\n');
    }
}

/// Names of the columns of a list: what was chosen, then what came of it.
pub fn columns(rows: &[Value]) -> Vec<&str> {
    let first = rows.first().and_then(Value::as_object);
    let mut names: Vec<&str> = first.into_iter().flat_map(|row| row.keys()).map(String::as_str).collect();
    names.sort_by_key(|name| !CHOSEN.contains(name));
    names
}

/// A value without the quotes of JSON; an object as a list of its fields.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name} {}", plain(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}
