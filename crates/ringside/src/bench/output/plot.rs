//! Plots as SVG text: percentiles, time series, rate sweeps, stages. Knows no file and no network; letters are the reader's.

use std::error::Error;

use hdrhistogram::Histogram;
use plotters::prelude::*;
use serde_json::Value;

use super::super::recorder::Interval;
use super::super::report::{Report, us};

const SIZE: (u32, u32) = (900, 420);
/// Colours that people with any eyes tell apart (Okabe and Ito, "Color Universal Design").
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(80, 80, 80),
];

type Drawn = Result<String, Box<dyn Error>>;

/// A named line of points.
type Line = (String, Vec<(f64, f64)>);

/// Percentiles of all series of a report: a nine more with each step to the right, microseconds by powers of ten.
pub fn percentiles(report: &Report) -> Drawn {
    let line =
        |(name, series): &(String, super::super::recorder::Series)| (name.clone(), nines(&series.total));
    let lines: Vec<Line> = report.series.iter().map(line).collect();
    lines_over("percentile", &format!("{}: µs by percentile", report.name), &lines, &percentile_name)
}

/// Number of nines and microseconds, up to where one value is left.
fn nines(times: &Histogram<u64>) -> Vec<(f64, f64)> {
    let most = (times.len().max(1) as f64).log10();
    let steps = (0..=(most * 20.0) as u32).map(|step| f64::from(step) / 20.0);
    steps.map(|nines| (nines, us(times, 1.0 - 10_f64.powf(-nines)))).collect()
}

/// 0 → 0 %, 1 → 90 %, 2 → 99 %.
fn percentile_name(nines: f64) -> String {
    match nines {
        whole if whole.fract().abs() > 1e-9 => String::new(),
        0.0 => "0%".into(),
        1.0 => "90%".into(),
        2.0 => "99%".into(),
        more => format!("99.{}%", "9".repeat(more as usize - 2)),
    }
}

/// p50, p99 and maximum of each interval.
pub fn time_series(name: &str, intervals: &[Interval]) -> Drawn {
    let at = |interval: &Interval| interval.start_ns as f64 / 1e9;
    let line = |label: &str, quantile: f64| {
        let point = |interval: &Interval| (at(interval), us(&interval.times, quantile));
        (label.to_owned(), intervals.iter().map(point).collect())
    };
    let lines = [line("p50", 0.5), line("p99", 0.99), line("max", 1.0)];
    lines_over("seconds since the begin", &format!("{name}: µs by time"), &lines, &|x| format!("{x:.1}"))
}

/// p50, p99 and p99.9 at each rate of a sweep.
pub fn sweep(steps: &[Value]) -> Drawn {
    let line = |label: &str, key: &str| {
        let point = |step: &Value| Some((step["rate"].as_f64()?.log10(), step[key].as_f64()?));
        (label.to_owned(), steps.iter().filter_map(point).collect())
    };
    let lines = [line("p50", "p50_us"), line("p99", "p99_us"), line("p99.9", "p999_us")];
    let rate = |nines: f64| format!("{:.0}k", 10_f64.powf(nines) / 1e3);
    lines_over("commands a second offered", "rate sweep: µs by rate", &lines, &rate)
}

/// What the stages add up to at p50, p90, p99 and p99.9, as stacked bars: for each stage its name and four times in
/// microseconds. Quantiles of stages do not add up to the quantile of the whole: the bars show where to look.
pub fn stages(stages: &[(&str, Vec<f64>)]) -> Drawn {
    const BARS: [&str; 4] = ["p50", "p90", "p99", "p99.9"];
    let heights = (0..BARS.len()).map(|bar| stages.iter().filter_map(|(_, times)| times.get(bar)).sum());
    let highest = heights.fold(1.0, f64::max);
    draw(|root| {
        let mut chart = ChartBuilder::on(root)
            .caption("µs by stage", ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..BARS.len() as f64, 0.0..highest * 1.1)?;
        let label = |x: &f64| BARS.get((x - 0.5).round() as usize).copied().unwrap_or_default().to_owned();
        chart.configure_mesh().disable_x_mesh().x_labels(BARS.len()).x_label_formatter(&label).draw()?;
        let mut below = [0.0; BARS.len()];
        for (at, (name, times)) in stages.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let bars = below.iter_mut().zip(times).enumerate().map(|(bar, (below, time))| {
                let (left, low) = (bar as f64 + 0.2, *below);
                *below += time;
                Rectangle::new([(left, low), (left + 0.6, *below)], colour.filled())
            });
            let legend = move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled());
            chart.draw_series(bars)?.label(*name).legend(legend);
        }
        legend(&mut chart)
    })
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(paint: impl FnOnce(&Canvas<'_>) -> Result<(), Box<dyn Error>>) -> Drawn {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        paint(&root)?;
        root.present()?;
    }
    Ok(text)
}

fn legend<'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
) -> Result<(), Box<dyn Error>>
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    let mut labels = chart.configure_series_labels();
    labels
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3));
    Ok(labels.draw()?)
}

/// Lines over an axis of whole steps, by powers of ten.
fn lines_over(axis: &str, title: &str, lines: &[Line], name: &dyn Fn(f64) -> String) -> Drawn {
    let points = || lines.iter().flat_map(|(_, points)| points.iter());
    let (left, right) = bounds(points().map(|(x, _)| *x));
    let (low, high) = bounds(points().map(|(_, y)| *y).filter(|y| *y > 0.0));
    draw(|root| {
        let mut chart = ChartBuilder::on(root)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(left..right.max(left + 1e-3), ((low * 0.8)..(high * 1.3)).log_scale())?;
        let label = |x: &f64| name(*x);
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(axis).y_desc("µs").x_labels(9).x_label_formatter(&label);
        // As many digits as it takes: 0.1, 10, 1000.
        mesh.y_label_formatter(&|us| us.to_string()).draw()?;
        for (at, (name, points)) in lines.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
            let legend = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2));
            chart.draw_series(line)?.label(name).legend(legend);
        }
        legend(&mut chart)
    })
}

/// Least and greatest; something to draw on where there is nothing.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { (low, high) } else { (0.1, 1.0) }
}
