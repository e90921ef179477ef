//! Prints what a client observes: what arrives on standard output, at once, what goes wrong on standard error.

use std::fmt::Write as _;

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::sse::Event;
use feedlab_feed::wire::{RawUpdate, Stamp, update_json};
use feedlab_feed::{Cursor, Data, Gap, Reset, Update};
use feedlab_loadgen::observer::{Observer, Opened, Trouble};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::output;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// An update, for people.
    People,
    /// An update, as its JSON.
    Json,
    /// An event of a stream, as JSON.
    Events,
}

/// The observer of the one client.
#[derive(Debug)]
pub(super) struct Printer {
    lines: Lines,
    /// How many are still to be printed; without end, if `None`.
    left: Option<u64>,
    url: String,
    stop: CancellationToken,
    /// Something arrived, or the client came through trouble before: the server is one that can be followed.
    settled: bool,
    /// The last that was told of.
    trouble: String,
    result: anyhow::Result<Exit>,
}

/// An event as JSON, in the words of a browser's `MessageEvent`.
#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    data: &'a str,
    #[serde(rename = "lastEventId")]
    last_event_id: &'a str,
}

#[derive(Serialize)]
struct GapLine {
    gap: Gap,
}

#[derive(Serialize)]
struct ResetLine {
    reset: Reset,
}

impl Printer {
    pub(super) const fn new(lines: Lines, count: Option<u64>, url: String, stop: CancellationToken) -> Self {
        Self { lines, left: count, url, stop, settled: false, trouble: String::new(), result: Ok(Exit::Done) }
    }

    /// How it ended.
    pub(super) fn end(self) -> anyhow::Result<Exit> {
        self.result
    }

    /// Prints one of those that are counted. A chunk may hold more than was asked for.
    fn count(&mut self, line: &str) {
        if self.left == Some(0) {
            return;
        }
        self.print(line);
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left == Some(0) {
            self.stop.cancel();
        }
    }

    fn print(&mut self, line: &str) {
        self.settled = true;
        self.trouble.clear();
        if let Err(error) = output::data(line) {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: anyhow::Error) {
        self.result = Err(error);
        self.stop.cancel();
    }
}

fn json_line(value: &impl Serialize) -> String {
    // Strings and integers alone: there is nothing that JSON could not write.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

impl Observer for Printer {
    fn opened(&mut self, _opened: Opened) {}

    fn update(&mut self, _stamp: Stamp, raw: RawUpdate<'_>, received_at_us: u64) {
        match raw.update() {
            Ok(update) if self.lines == Lines::People => self.count(&for_people(&update, received_at_us)),
            Ok(update) => self.count(&(update_json(&update) + "\n")),
            Err(error) => output::advice(&format!("an update that cannot be read: {error}")),
        }
    }

    fn gap(&mut self, gap: Gap, _resume: Cursor) {
        match self.lines {
            Lines::People => output::advice(&format!("gap: the updates {} to {} are lost", gap.from, gap.to)),
            Lines::Json | Lines::Events => self.print(&json_line(&GapLine { gap })),
        }
    }

    fn reset(&mut self, reset: Reset) {
        match self.lines {
            Lines::People => output::advice(&format!(
                "reset: the feed began anew; what it published after {} is lost, and how much that was is not known",
                reset.asked
            )),
            Lines::Json | Lines::Events => self.print(&json_line(&ResetLine { reset })),
        }
    }

    fn event(&mut self, event: &Event) {
        if self.lines == Lines::Events {
            let Event { event_type, data, last_event_id } = event;
            self.count(&json_line(&EventLine { event_type, data, last_event_id }));
        }
    }

    fn failure(&mut self, trouble: &Trouble) {
        let refused = trouble.failure == Failure::Status && !std::mem::replace(&mut self.settled, true);
        if trouble.failure == Failure::GaveUp || refused {
            let advice = if trouble.detail.contains("401") { "; set FEEDLAB_TOKEN to its token" } else { "" };
            self.fail(anyhow::anyhow!("{}: {trouble}{advice}", self.url));
        } else if self.trouble != trouble.detail {
            // A server that is down for an hour is told of once.
            output::advice(&format!("{trouble}; trying again"));
            self.trouble.clone_from(&trouble.detail);
        }
    }

    fn reconnect(&mut self) {
        self.trouble.clear();
        output::advice("connected again");
    }
}

/// `    17    0.8 ms  tick          …`: columns for the common case, and never cut.
fn for_people(update: &Update, received_at_us: u64) -> String {
    let age = age(received_at_us.saturating_sub(update.at));
    let data = match &update.data {
        Data::Text(text) => visible(text),
        Data::Binary(bytes) => format!("({} bytes)", bytes.len()),
    };
    format!("{:>6}  {age:>8}  {:<12}  {data}\n", update.seq, update.event_type.as_str())
}

fn age(us: u64) -> String {
    match us {
        0..100_000 => format!("{:.1} ms", us as f64 / 1e3),
        100_000..1_000_000 => format!("{} ms", us / 1000),
        1_000_000..100_000_000 => format!("{:.1} s", us as f64 / 1e6),
        _ => format!("{} s", us / 1_000_000),
    }
}

/// One line, and none of the control characters by which a feed could write on the rest of the terminal.
fn visible(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_feed::EventType;

    #[test]
    fn a_line_for_people_is_one_line_and_harmless() {
        let update = |data| Update { seq: 17, at: 1_000_000, event_type: EventType::new("tick").unwrap(), data };
        let text = for_people(&update(Data::Text("two\nlines \u{1b}[31m é".into())), 1_000_840);
        assert_eq!(text, "    17    0.8 ms  tick          two\\nlines \\u{1b}[31m é\n");
        let bytes = for_people(&update(Data::Binary(vec![0; 300].into())), 3_500_000);
        assert_eq!(bytes, "    17     2.5 s  tick          (300 bytes)\n");
    }

    #[test]
    fn ages_have_the_digits_that_matter() {
        assert_eq!(
            [0, 99_949, 512_345, 1_250_000, 200_000_000].map(age),
            ["0.0 ms", "99.9 ms", "512 ms", "1.2 s", "200 s"]
        );
    }
}
