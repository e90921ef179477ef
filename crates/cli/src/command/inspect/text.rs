//! The report for people: a line for the response, a row of arrivals, a line for each finding, and below it what to
//! change.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use feedlab_check::inspect::{Finding, Mark, Report, Times};

use crate::output;

/// Whether marks are colored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Colors {
    On,
    Off,
}

impl Colors {
    pub(super) fn of_stdout() -> Self {
        if std::io::stdout().is_terminal() && !output::no_color() { Self::On } else { Self::Off }
    }
}

/// The widths of the first two columns.
const MARK: usize = 10;
const NAME: usize = 15;

/// Returns the report.
pub(super) fn report(report: &Report, colors: Colors) -> String {
    let mut text = head(report);
    for picture in &report.pictures {
        let _ = writeln!(text, "{:<20} {}", picture.of, picture.row);
    }
    if let Some(picture) = report.pictures.first() {
        let each = milliseconds(picture.column_us);
        let _ = writeln!(
            text,
            "{:<20} one column is {each}; ▂ 1 event, ▄ 2, ▆ 5, █ 20 or more, `,` bytes but no event",
            ""
        );
    }
    text.push('\n');
    for finding in &report.findings {
        line(&mut text, finding, colors);
    }
    let _ = writeln!(text, "\n{}", summary(report));
    text
}

fn head(report: &Report) -> String {
    let mut parts = vec![format!("{} {}", report.method, report.url)];
    parts.extend(report.status.map(|status| status.to_string()));
    parts.extend(report.content_type.clone().filter(|text| !text.is_empty()));
    parts.extend(report.http.map(str::to_owned));
    parts.extend(report.tls.as_ref().map(|tls| tls.version.clone()));
    let mut text = parts.join("   ") + "\n";
    if let Some(times) = &report.times {
        let _ = writeln!(text, "{}", steps(times));
    }
    if report.counts.watched_us > 0 {
        text += &counts(report);
    }
    text
}

/// What was received; nothing, if there was no answer.
fn counts(report: &Report) -> String {
    let counts = &report.counts;
    format!(
        "{}: {}, {}, {} in {}; longest silence {}; {}\n",
        report.transport.name(),
        counted(counts.events, "event"),
        counted(counts.comments, "comment"),
        counted(counts.wire_bytes, "byte"),
        milliseconds(counts.watched_us),
        milliseconds(counts.longest_silence_us),
        counted(counts.connections as u64, "connection")
    )
}

fn steps(times: &Times) -> String {
    let connection = &times.connection;
    let all = [
        ("DNS", connection.dns_us),
        ("TCP", Some(connection.tcp_us)),
        ("TLS", connection.tls_us),
        ("first byte", Some(times.first_byte_us)),
        ("first byte of the body", times.first_body_byte_us),
        ("first event", times.first_event_us),
    ];
    let shown = all.into_iter().filter_map(|(name, us)| Some(format!("{name} {}", milliseconds(us?))));
    shown.collect::<Vec<_>>().join(", ")
}

fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn milliseconds(us: u64) -> String {
    match us {
        0..1_000_000 => format!("{}.{} ms", us / 1_000, us / 100 % 10),
        _ => format!("{}.{} s", us / 1_000_000, us / 100_000 % 10),
    }
}

fn line(text: &mut String, finding: &Finding, colors: Colors) {
    let (word, color) = match finding.mark {
        Mark::Good => ("ok", "32"),
        Mark::NotTested => ("not tested", "2"),
        Mark::Warn => ("warn", "33"),
        Mark::Bad => ("FAIL", "31;1"),
    };
    let mark = match colors {
        Colors::On => format!("\u{1b}[{color}m{word:<MARK$}\u{1b}[0m"),
        Colors::Off => format!("{word:<MARK$}"),
    };
    let _ = writeln!(text, "{mark}  {:<NAME$}  {}", finding.id.name(), finding.evidence);
    for fix in &finding.fix {
        let _ = writeln!(text, "{:indent$}→ {fix}", "", indent = MARK + NAME + 4);
    }
}

fn summary(report: &Report) -> String {
    let names = |mark| report.with(mark).map(|finding| finding.id.name()).collect::<Vec<_>>();
    let (faults, warnings) = (names(Mark::Bad), names(Mark::Warn));
    let of = |names: &[&str], noun: &str| match names {
        [] => format!("no {noun}s"),
        [one] => format!("1 {noun}: {one}"),
        all => format!("{} {noun}s: {}", all.len(), all.join(", ")),
    };
    let interrupted = if report.interrupted { "interrupted; so far: " } else { "" };
    format!("{interrupted}{}; {}", of(&faults, "fault"), of(&warnings, "warning"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_check::inspect::{Counts, Found, Id, Picture};

    fn sample() -> Report {
        let finding = |id, mark, evidence: &str, fix: &[&str]| Finding {
            id,
            mark,
            evidence: evidence.to_owned(),
            fix: fix.iter().map(ToString::to_string).collect(),
        };
        Report {
            url: "https://app.example/events".to_owned(),
            method: "GET".to_owned(),
            transport: Found::Sse,
            status: Some(200),
            content_type: Some("text/event-stream".to_owned()),
            http: Some("HTTP/2"),
            tls: None,
            times: None,
            counts: Counts {
                watched_us: 61_000_000,
                events: 61,
                wire_bytes: 8_192,
                connections: 4,
                ..Counts::default()
            },
            pictures: vec![Picture {
                of: "arrivals".to_owned(), row: "····█····".to_owned(), column_us: 1_016_666
            }],
            findings: vec![
                finding(Id::Status, Mark::Good, "200, first byte 84 ms", &[]),
                finding(
                    Id::Buffering,
                    Mark::Bad,
                    "61 events in 2 bursts",
                    &["nginx: proxy_buffering off;", "or another"],
                ),
                finding(Id::Caching, Mark::Warn, "no Cache-Control", &[]),
                finding(Id::IdleTimeout, Mark::NotTested, "above 60 s", &["--for 5m"]),
            ],
            interrupted: false,
        }
    }

    #[test]
    fn a_report_for_people() {
        insta::assert_snapshot!(report(&sample(), Colors::Off));
    }

    #[test]
    fn only_marks_are_colored() {
        let text = report(&sample(), Colors::On);
        assert_eq!(text.matches("\u{1b}[0m").count(), sample().findings.len());
        assert!(text.contains("\u{1b}[31;1mFAIL      \u{1b}[0m  buffering"));
    }
}
