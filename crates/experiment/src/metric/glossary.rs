//! The metric table as a page: `docs/metrics.md` is what this makes, and a test keeps it so.

use std::fmt::Write as _;

use super::{Group, Pooling, Row, TABLE, Unit};

const HEAD: &str = "\
# Metrics

Every metric that feedlab knows, by the id under which it stands in `summary.json` and `cells.ndjson`. An id carries
its unit. A metric that was not measured is absent, never zero.

\"Repetitions\" says how the value of several repetitions is made: percentiles are never averaged, the histograms of ages
are merged. With two repetitions and more, each value has a 95 % bootstrap interval over them. A percentile with fewer
than 10 samples beyond it is not told.

Recovery times have their names and are not measured yet.

This page is made from the metric table in `crates/experiment/src/metric.rs`; `UPDATE_DOCS=1 cargo test -p
feedlab-experiment` writes it anew.
";

/// The page: a section a group, a line a metric.
#[must_use]
pub fn glossary_markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut group = None;
    for row in TABLE {
        if group.replace(row.group) != Some(row.group) {
            let (title, about) = row.group.title();
            page += &format!(
                "\n## {title}\n\n{about}\n\n| id | name | unit | repetitions | meaning |\n|---|---|---|---|---|\n"
            );
        }
        page += &line(row);
    }
    page
}

fn line(row: &Row) -> String {
    let mut line = String::new();
    for cell in [&format!("`{}`", row.id), row.label, row.unit.symbol(), row.pooling.words(), row.meaning] {
        let _ = write!(line, "| {cell} ");
    }
    line + "|\n"
}

impl Group {
    /// The group's name for people, and what it is about.
    #[must_use]
    pub const fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Freshness => {
                ("Freshness", "How stale a client's knowledge was: the one latency that all transports share.")
            }
            Self::Delivery => ("Delivery", "What arrived, and what did not."),
            Self::Requests => ("Requests", "How often clients asked."),
            Self::Bandwidth => (
                "Bandwidth",
                "What went over the sockets: payload is what the application wanted to say, socket all that was \
                 written, wire what IP and TCP made of it.",
            ),
            Self::ConnectionCost => ("Connection cost", "What a client costs before the first update."),
            Self::Cpu => ("CPU", "What an update costs that is delivered to a client."),
            Self::Recovery => ("Recovery", "How long a client was cut off."),
            Self::Trust => ("Trust", "Whether the harness itself kept up; the verdict is made of these."),
        }
    }
}

impl Unit {
    /// The unit's symbol; empty for a count.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Bytes => "B",
            Self::Count => "",
        }
    }
}

impl Pooling {
    const fn words(self) -> &'static str {
        match self {
            Self::AgeQuantile(_) | Self::AgeMean | Self::AgeMax => "merged",
            Self::Max => "largest",
            Self::Sum => "sum",
            Self::Mean => "mean",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_the_table() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, glossary_markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(file).unwrap();
        assert_eq!(committed, glossary_markdown(), "run `UPDATE_DOCS=1 cargo test -p feedlab-experiment`");
    }

    #[test]
    fn each_group_is_one_section() {
        let page = glossary_markdown();
        assert_eq!(page.matches("\n## ").count(), 8);
        assert_eq!(page.matches("\n| `").count(), TABLE.len());
    }
}
