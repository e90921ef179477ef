//! The limits on what peers can consume, as shown in docs/limits.md and in the help of `feedlab serve`, `feedlab
//! workshop`, `feedlab agent`, `feedlab check` and `feedlab inspect`.

use std::fmt::Write as _;

use feedlab_feed::limit::Limit;

use super::target;
use crate::agents;

/// Appends the limits of a server to the help.
pub(super) fn of_a_server(examples: &str) -> String {
    behind(examples, "those of the lab proxy and of a workshop", &feedlab_server::limits::TABLE)
}

/// Appends the limits of a workshop to the help.
pub(super) fn of_a_workshop(examples: &str) -> String {
    behind(examples, "those of its server", &feedlab_workshop::limits::TABLE)
}

/// Appends the limits of a run and its agents to the help.
pub(super) fn of_agents(examples: &str) -> String {
    behind(examples, "those of the server", &agents::LIMITS)
}

/// Appends the limits of somebody else's server to the help of a run.
pub(super) fn of_targets(examples: &str) -> String {
    behind(examples, "those of the server", &target::LIMITS)
}

/// Appends the limits of a check to the help.
pub(super) fn of_a_check(examples: &str) -> String {
    behind(examples, "those of the server", &feedlab_check::limits::TABLE)
}

/// Appends the limits of an inspection to the help.
pub(super) fn of_an_inspection(examples: &str) -> String {
    behind(examples, "those of the server", &feedlab_check::limits::LIMITS)
}

fn behind(examples: &str, others: &str, limits: &[Limit]) -> String {
    let mut text = format!("{examples}\n\nLimits (docs/limits.md has {others} too):\n");
    for Limit { name, most, why } in limits {
        let _ = writeln!(text, "  {name}: {most} ({why})");
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = String::from(
            "# Limits\n\nEverything that a peer can make grow has a limit. Some limits are flags (`feedlab serve --help`, Safety and\n\
             Endpoints); the limits here always apply. A test keeps this page identical to the tables in the code.\n",
        );
        let groups = [
            ("A server", &feedlab_server::limits::TABLE[..]),
            ("The lab proxy", &feedlab_link::LIMITS),
            ("The link emulator", &feedlab_link::emulator::LIMITS),
            ("A workshop, in addition to its server", &feedlab_workshop::limits::TABLE),
            ("A run and its agents", &agents::LIMITS),
            ("A run and the servers of others", &target::LIMITS),
            ("A check", &feedlab_check::limits::TABLE),
            ("An inspection", &feedlab_check::limits::LIMITS),
        ];
        for (title, limits) in groups {
            let _ = writeln!(
                page,
                "\n## {title}\n\n| what | most | what it protects, and what happens beyond it |\n|---|---|---|"
            );
            for Limit { name, most, why } in limits {
                let _ = writeln!(page, "| {name} | {most} | {why} |");
            }
        }
        page
    }

    #[test]
    fn the_page_in_docs_matches_the_tables() {
        feedlab_testkit::docs::assert_generated("docs/limits.md", &page());
    }
}
