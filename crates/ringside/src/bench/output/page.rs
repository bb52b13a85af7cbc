//! One page that a person opens without a network: figures, machine, plots, all inside.

use std::error::Error;
use std::fmt::Write;

use serde_json::Value;

use super::super::report::Report;
use super::plot;
use super::table::{columns, plain};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1,h2{font-weight:600}table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}\
td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}\
td.text{text-align:left;max-width:40rem;overflow-wrap:anywhere}svg{max-width:100%;height:auto}";

/// The page.
pub fn render(reports: &[Report], result: &Value) -> Result<String, Box<dyn Error>> {
    let names: Vec<&str> = reports.iter().map(|report| report.name).collect();
    let title = format!("ringside bench {}", names.join(", "));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n"
    );
    machine(result, &mut page);
    for report in reports {
        let _ = writeln!(page, "<h2 id=\"{0}\">{0}</h2>", report.name);
        figures(report, &mut page);
        plots(report, &mut page)?;
    }
    page.push_str("</html>\n");
    Ok(page)
}

fn machine(result: &Value, page: &mut String) {
    page.push_str("<table>\n");
    row(page, "version", &result["version"]);
    for (name, value) in result["machine"].as_object().into_iter().flatten() {
        row(page, name, value);
    }
    let words = result["command"].as_array().into_iter().flatten();
    let command: Vec<&str> = words.filter_map(Value::as_str).collect();
    row(page, "command", &format!("ringside {}", command.join(" ")).into());
    page.push_str("</table>\n");
}

fn row(page: &mut String, name: &str, value: &Value) {
    let _ = writeln!(
        page,
        "<tr><td>{}</td><td class=\"text\">{}</td></tr>",
        escaped(name),
        escaped(&plain(value))
    );
}

fn figures(report: &Report, page: &mut String) {
    page.push_str("<table>\n<tr><th>figure</th><th>measured</th><th>floor</th><th>× floor</th></tr>\n");
    for (name, value) in report.rows().filter(|(_, value)| !value.is_array()) {
        let footings = report.footings.iter().filter(|footing| footing.figure == *name);
        let (mut floors, mut ratios) = (Vec::new(), Vec::new());
        for footing in footings {
            floors.push(format!("{} {}", escaped(&footing.floor), report.get(&footing.floor)));
            ratios.push(report.get(&footing.ratio).to_string());
        }
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(name),
            escaped(&plain(value)),
            floors.join("<br>"),
            ratios.join("<br>")
        );
    }
    page.push_str("</table>\n");
    for (name, value) in report.rows() {
        value.as_array().into_iter().for_each(|rows| list(name, rows, page));
    }
}

/// Rows of one kind, as a table of their own.
fn list(name: &str, rows: &[Value], page: &mut String) {
    let names = columns(rows);
    let _ = writeln!(page, "<h3>{}</h3>\n<table>", escaped(name));
    line(page, "th", names.iter().map(|name| escaped(name)));
    for row in rows {
        line(page, "td", names.iter().map(|name| escaped(&plain(&row[name]))));
    }
    page.push_str("</table>\n");
}

fn line(page: &mut String, kind: &str, cells: impl Iterator<Item = String>) {
    let cells: String = cells.map(|cell| format!("<{kind}>{cell}</{kind}>")).collect();
    let _ = writeln!(page, "<tr>{cells}</tr>");
}

fn plots(report: &Report, page: &mut String) -> Result<(), Box<dyn Error>> {
    if !report.series.is_empty() {
        page.push_str(&plot::percentiles(report)?);
    }
    for (name, series) in report.series.iter().filter(|(_, series)| series.intervals.len() > 1) {
        page.push_str(&plot::time_series(name, &series.intervals)?);
    }
    if let Some(steps) = report.find("sweep").and_then(Value::as_array) {
        page.push_str(&plot::sweep(steps)?);
    }
    if !report.stages.is_empty() {
        let stages: Vec<(&str, Vec<f64>)> =
            report.stages.iter().map(|(name, times)| (name.as_str(), times.clone())).collect();
        page.push_str(&plot::stages(&stages)?);
    }
    Ok(())
}

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::bench::recorder::Recorder;

    #[test]
    fn a_page_has_its_plots_inside_and_asks_nobody_for_anything() {
        let mut recorder = Recorder::over(1.0);
        (0..2_000).for_each(|n: u64| recorder.record(n * 500_000, 10_000 + n * n));
        let mut report = Report::new("wire", Path::new("."));
        report.number("p50_us", 12.5);
        report.value("sync", "<never>");
        report.series("wire", recorder.finish());
        let step = |rate| json!({"rate": rate, "p50_us": 20.0, "p99_us": 90.0, "p999_us": 300.0});
        report.value("sweep", vec![step(10_000), step(12_000)]);
        report.stages =
            [("ring", 1.0), ("journal", 100.0)].map(|(name, us)| (name.into(), vec![us; 4])).into();
        let result = json!({"version": "1", "machine": {"cpu": "x"}, "command": ["bench", "wire"]});
        let page = render(&[report], &result).expect("plots of plain numbers");
        assert_eq!(page.matches("<svg").count(), 4);
        assert!(page.contains("12.5") && page.contains("&lt;never&gt;") && page.contains("journal"));
        let sweep = "<tr><th>rate</th><th>p50_us</th><th>p999_us</th><th>p99_us</th></tr>\n\
                     <tr><td>10000</td><td>20.0</td><td>300.0</td><td>90.0</td></tr>\n<tr><td>12000</td>";
        assert!(page.contains("<h3>sweep</h3>") && page.contains(sweep), "{page}");
        let links = ["<link", "<script", "src=", "href=", "@import", "url("];
        assert!(links.iter().all(|link| !page.contains(link)), "the page asks for something");
    }
}
