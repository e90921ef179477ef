//! The frame of a map: ticks with units, and the names of both axes.

use feedlab_experiment::choice::Input;
use feedlab_experiment::choice::map::MapAxis;

use super::super::canvas::{Anchor, Area, Canvas, DrawResult, TextFormat};
use super::super::text;
use super::Layout;
use crate::human;
use crate::palette::Color;

/// Round times, s.
const TIMES: [f64; 9] = [0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 36_000.0];

pub(super) fn draw(canvas: &mut Canvas, layout: &Layout<'_>) -> DrawResult {
    let Area { left, top, right, bottom } = layout.plot;
    let format = TextFormat::new(12.0);
    let mut free_from = f64::MIN;
    for (share, tick) in ticks(layout.map.x) {
        let (x, _) = layout.place((share, 0.0));
        canvas.line((x, bottom), (x, bottom + 5.0), Color::Muted, 1.0)?;
        let half = text::width(&tick, format.size) / 2.0;
        if x - half > free_from && x + half < layout.plot.right + 24.0 {
            canvas.text(&tick, (x, bottom + 14.0), format.muted().at(Anchor::Middle))?;
            free_from = x + half + 4.0;
        }
    }
    for (share, tick) in ticks(layout.map.y) {
        let (_, y) = layout.place((0.0, share));
        canvas.line((left - 5.0, y), (left, y), Color::Muted, 1.0)?;
        canvas.text(&tick, (left - 8.0, y), format.muted().at(Anchor::End))?;
    }
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    canvas.path(&corners, &[], Color::Muted, 1.0)?;
    let bold = format.bold();
    canvas.text(&format!("↑ {}", label(layout.map.y.input)), (super::MARGIN, top - 17.0), bold)?;
    canvas.text(&format!("{} →", label(layout.map.x.input)), (right, bottom + 31.0), bold.at(Anchor::End))
}

/// Returns the name of an axis.
pub(super) const fn label(input: Input) -> &'static str {
    match input {
        Input::Payload => "payload of an update, bytes",
        other => other.label(),
    }
}

/// Returns the shares at which ticks are, with their labels.
fn ticks(axis: MapAxis) -> Vec<(f64, String)> {
    let decades = (-4..9).map(|power| 10f64.powi(power));
    let all: Vec<f64> = match axis.input {
        Input::Rtt | Input::Budget | Input::IdleTimeout | Input::PollInterval => TIMES.to_vec(),
        _ => decades.collect(),
    };
    let is_on = |value: &f64| (axis.low * 0.9999..=axis.high * 1.0001).contains(value);
    all.into_iter().filter(is_on).map(|value| (axis.share(value), tick(axis.input, value))).collect()
}

fn tick(input: Input, value: f64) -> String {
    match input {
        Input::Rtt | Input::Budget | Input::IdleTimeout | Input::PollInterval => time(value),
        _ if value >= 1e6 => format!("{}M", human::count(value / 1e6)),
        _ if value >= 1e3 => format!("{}k", human::count(value / 1e3)),
        _ => value.to_string(),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 3_600.0 => format!("{} h", seconds / 3_600.0),
        seconds if seconds >= 60.0 => format!("{} min", seconds / 60.0),
        seconds if seconds >= 1.0 => format!("{seconds} s"),
        seconds => format!("{} ms", (seconds * 1e3).round()),
    }
}
