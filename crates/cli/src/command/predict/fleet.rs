//! What servers need around them, as a table: the feed from a broker, and clients that come back.

use feedlab_experiment::predict::scale::{Fleet, Storm};
use feedlab_report::human::{self, ABSENT};
use feedlab_report::table::{Column, Table};

/// A row a contender.
pub(super) fn table(fleets: &[Fleet]) -> Table {
    const LINES: [&str; 9] = [
        "contender",
        "messages off the broker",
        "bandwidth off the broker",
        "one server gone: each other gets",
        "all gone at once: each gets",
        "a server can open",
        "reconnects: restart in place",
        "reconnects: new beside old",
        "opened though nothing breaks",
    ];
    let column = |label: &str| Column { label: label.to_owned(), unit: String::new(), numeric: label != "contender" };
    Table { columns: LINES.map(column).into(), rows: fleets.iter().map(row).collect() }
}

fn row(fleet: &Fleet) -> Vec<String> {
    let or_absent = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
    let rate = |per_s: f64| format!("{}/s", human::rough(per_s));
    vec![
        fleet.label.clone(),
        or_absent(fleet.broker.map(|broker| rate(broker.messages_per_s))),
        or_absent(fleet.broker.map(|broker| human::bits(broker.bits_per_s))),
        or_absent(fleet.failover.map(storm)),
        storm(fleet.all_at_once),
        or_absent(fleet.connects_per_s.map(rate)),
        or_absent(fleet.deploy.map(|deploy| human::count(deploy.in_place))),
        or_absent(fleet.deploy.map(|deploy| human::count(deploy.beside))),
        rate(fleet.turnover_per_s),
    ]
}

fn storm(storm: Storm) -> String {
    let connections = human::rough(storm.connections);
    if storm.within_s > 0.0 {
        format!("{connections} in {}", human::time(storm.within_s * 1e6))
    } else {
        format!("{connections} at one moment")
    }
}
