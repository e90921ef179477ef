//! The table of what surrounds the servers: the feed from a broker, and clients that reconnect.

use feedlab_experiment::predict::scale::{Fleet, Storm};
use feedlab_report::human::{self, ABSENT};
use feedlab_report::table::{Column, Table};

/// Returns a table with one row per contender.
pub(super) fn table(fleets: &[Fleet]) -> Table {
    const LINES: [&str; 9] = [
        "contender",
        "messages from the broker",
        "bandwidth from the broker",
        "one server fails: each other gets",
        "all connections lost: each gets",
        "a server can accept",
        "reconnects: restart in place",
        "reconnects: new alongside old",
        "opened in normal operation",
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
