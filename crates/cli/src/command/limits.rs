//! The limits of what peers decide, as the help of `feedlab serve`, `feedlab workshop` and `feedlab agent`, and docs/limits.md,
//! show them.

use std::fmt::Write as _;

use feedlab_feed::limit::Limit;

use crate::agents;

/// Behind the help: those of a server.
pub(super) fn of_a_server(examples: &str) -> String {
    behind(examples, "those of the lab proxy and of a workshop", &feedlab_server::limits::TABLE)
}

/// Behind the help: those of a workshop.
pub(super) fn of_a_workshop(examples: &str) -> String {
    behind(examples, "those of its server", &feedlab_workshop::limits::TABLE)
}

/// Behind the help: those of a run and its agents.
pub(super) fn of_agents(examples: &str) -> String {
    behind(examples, "those of the server", &agents::LIMITS)
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
            "# Limits\n\nWhatever a peer can make grow has a bound. Those that people set are flags (`feedlab serve --help`, Safety and\n\
             Endpoints); these hold always. The page is made of the tables in the code, and a test keeps it so.\n",
        );
        let groups = [
            ("A server", &feedlab_server::limits::TABLE[..]),
            ("The lab proxy", &feedlab_proxy::LIMITS),
            ("A workshop, besides its server", &feedlab_workshop::limits::TABLE),
            ("A run and its agents", &agents::LIMITS),
        ];
        for (title, limits) in groups {
            let _ = writeln!(
                page,
                "\n## {title}\n\n| what | most | what it spares, and what becomes of more |\n|---|---|---|"
            );
            for Limit { name, most, why } in limits {
                let _ = writeln!(page, "| {name} | {most} | {why} |");
            }
        }
        page
    }

    #[test]
    fn the_page_in_docs_is_the_tables() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, page()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(file).unwrap(),
            page(),
            "run `UPDATE_DOCS=1 cargo test -p feedlab --bin feedlab`"
        );
    }
}
