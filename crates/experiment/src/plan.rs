//! The plan: which cells a run measures, and in which order.

use std::time::Duration;

use feedlab_feed::settings::{Settings, Stall};
use feedlab_feed::source::SourceConfig;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::Scenario;
use crate::clients::{PART_CONNECT_GRACE, PART_NOTICE, PART_SLACK};
use crate::record::CellRecord;
use crate::scenario::Source;

/// The most repetitions of a cell.
pub const MOST_REPETITIONS: u32 = 1000;

/// The time that a cell takes in addition to its phases: starting and stopping its processes, the baseline before its
/// first client, opening the last connections, and the join probes after its last client.
const AROUND_A_CELL: Duration = Duration::from_secs(1);
/// The same, as an upper limit, for processes that are not notified when a cell is over.
const AROUND_A_PART: Duration = Duration::from_secs(20);

/// One contender × one client count (× one payload size) × one repetition: the unit that is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The name of the cell in files: unique in the run, with only letters, digits, `-` and `.`.
    pub id: String,
    /// The index into the scenario's contenders.
    pub contender: usize,
    /// The number of clients.
    pub clients: u32,
    /// The payload of an update, bytes; present only if the scenario sweeps over several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payload_bytes: Option<usize>,
    /// The repetition, counted from 1.
    pub repetition: u32,
    /// The seed of the clients' phases. Like the feed's schedule, it differs between repetitions and is the same for
    /// every contender of a repetition.
    pub seed: u64,
}

/// The size of the kernel's send buffer in scenarios with slow clients, bytes. By default it grows to megabytes, and it
/// would take minutes until a server notices a slow client.
const SLOW_SEND_BUFFER: usize = 64 << 10;

impl Cell {
    /// Returns the settings of this cell's server.
    #[must_use]
    pub fn settings(&self, scenario: &Scenario) -> Settings {
        let contender = &scenario.contenders[self.contender];
        let source = self.feed(scenario);
        // The scenario counts from the start of the measured time, the server from the start of the feed.
        let stall = |stall: Stall| Stall { after: scenario.measure.warm_up + stall.after, ..stall };
        let slow = scenario.clients.slow;
        let clients = self.clients + slow.map_or(0, |slow| slow.count);
        Settings {
            allow_publish: source.is_none(),
            source,
            stall: scenario.feed.stall.map(stall),
            history: contender.serving.history.unwrap_or(scenario.feed.history),
            send_buffer: slow.map(|_| SLOW_SEND_BUFFER),
            // Twice the clients: without keep-alive, a client may open its next connection before the last one is
            // closed.
            max_connections: 2 * clients as usize + 64,
            ..contender.settings()
        }
    }

    /// Returns the feed of this cell, which is the same for every contender of a repetition, client count and payload
    /// size. `None` if the clients publish.
    #[must_use]
    pub fn feed(&self, scenario: &Scenario) -> Option<SourceConfig> {
        Some(match &scenario.feed.source {
            Source::Synthetic { updates_per_s, schedule, burst_size, payload_bytes, binary } => {
                SourceConfig::Synthetic {
                    rate: *updates_per_s,
                    schedule: schedule.with(self.seed, *burst_size),
                    payload_bytes: self.payload_bytes.or(payload_bytes.first().copied()).unwrap_or_default(),
                    binary: *binary,
                }
            }
            Source::Replay { file, speed } => SourceConfig::Replay { file: file.clone(), speed: *speed, repeat: true },
            Source::Host { updates_per_s } => SourceConfig::Host { rate: *updates_per_s },
            Source::Clients { .. } => return None,
        })
    }
}

/// One contender at one client count and payload size, whose repetitions are pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// The index into the scenario's contenders.
    pub(crate) contender: usize,
    pub(crate) clients: u32,
    /// The payload size in bytes; present only in a sweep.
    pub(crate) payload_bytes: Option<usize>,
}

impl Point {
    /// Whether a cell was measured at this point.
    pub(crate) fn is_of(self, scenario: &Scenario, cell: &CellRecord) -> bool {
        let label = &scenario.contenders[self.contender].label;
        cell.label == *label && cell.clients == self.clients && cell.payload_bytes == self.payload_bytes
    }
}

/// Returns the points of a scenario, in the order of all tables: contenders as written, then clients, then payload.
pub(crate) fn points(scenario: &Scenario) -> Vec<Point> {
    let payloads = scenario.feed.source.payload_sweep();
    let mut points = Vec::new();
    for contender in 0..scenario.contenders.len() {
        for &clients in &scenario.clients.count {
            points.extend(payloads.iter().map(|&payload_bytes| Point { contender, clients, payload_bytes }));
        }
    }
    points
}

/// Returns the cells of a scenario in the order in which they are measured: repetition by repetition, each shuffled, so
/// that a machine that becomes slower during the run affects all contenders equally.
#[must_use]
pub fn cells(scenario: &Scenario) -> Vec<Cell> {
    let mut rng = ChaCha8Rng::seed_from_u64(scenario.seed);
    let mut cells = Vec::new();
    for repetition in 1..=scenario.measure.repetitions {
        let mut round: Vec<Cell> =
            points(scenario).into_iter().map(|point| cell(scenario, point, repetition)).collect();
        round.shuffle(&mut rng);
        cells.append(&mut round);
    }
    cells
}

pub(crate) fn cell(scenario: &Scenario, point: Point, repetition: u32) -> Cell {
    let Point { contender, clients, payload_bytes } = point;
    let seed = scenario.seed.wrapping_add(u64::from(repetition) - 1);
    Cell { id: id(scenario, point, repetition), contender, clients, payload_bytes, repetition, seed }
}

/// Returns the id of a cell.
pub(crate) fn id(scenario: &Scenario, point: Point, repetition: u32) -> String {
    let Point { contender, clients, payload_bytes } = point;
    let transport = scenario.contenders[contender].transport();
    let payload = payload_bytes.map_or_else(String::new, |bytes| format!("-p{bytes}"));
    format!("{:02}-{transport}-c{clients}{payload}-r{repetition}", contender + 1)
}

/// Returns how long a cell takes: its phases, and the time around them.
#[must_use]
pub fn cell_duration(scenario: &Scenario) -> Duration {
    AROUND_A_CELL + scenario.cell_duration()
}

/// Returns how much time several processes that do not communicate reserve for a cell: its phases, the moments between
/// them, the join probes, and the time to stop its server and start the next one.
#[must_use]
pub fn part_duration(scenario: &Scenario) -> Duration {
    parts_duration(scenario) + AROUND_A_PART
}

/// Returns how long a cell takes that several coordinated processes measure.
#[must_use]
pub fn parts_duration(scenario: &Scenario) -> Duration {
    cell_duration(scenario) + PART_NOTICE + PART_CONNECT_GRACE + 5 * PART_SLACK
}

/// Returns how long a run of the scenario takes: the scenario defines the length of every phase except connecting. If it
/// asks for a precision, that is the shortest time, and its cap the longest.
#[must_use]
pub fn duration(scenario: &Scenario) -> Duration {
    let cells = u32::try_from(points(scenario).len()).unwrap_or(u32::MAX).saturating_mul(scenario.measure.repetitions);
    cell_duration(scenario).saturating_mul(cells)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use feedlab_feed::schedule::Schedule;

    use super::*;
    use crate::fixture;
    use crate::scenario::{AgeFrom, Options, SlowClients, SlowPolicy};

    /// Two contenders, two client counts, two payload sizes, two repetitions.
    fn swept() -> Scenario {
        let mut scenario = fixture::scenario();
        scenario.clients.count = vec![50, 500];
        if let Source::Synthetic { payload_bytes, .. } = &mut scenario.feed.source {
            *payload_bytes = vec![64, 1024];
        }
        scenario
    }

    #[test]
    fn every_cell_is_planned_once_and_repetitions_follow_each_other() {
        let cells = cells(&swept());
        let ids: HashSet<_> = cells.iter().map(|cell| &cell.id).collect();
        assert_eq!((cells.len(), ids.len()), (16, 16));
        assert!(ids.contains(&"02-websocket-c500-p1024-r2".to_owned()), "{ids:?}");
        assert!(cells[..8].iter().all(|cell| cell.repetition == 1 && cell.seed == 1));
        assert!(cells[8..].iter().all(|cell| cell.repetition == 2 && cell.seed == 2));
        assert_eq!(duration(&swept()), cell_duration(&swept()) * 16);
    }

    #[test]
    fn the_seed_fixes_the_order() {
        let order = |seed| cells(&Scenario { seed, ..swept() }).into_iter().map(|cell| cell.id).collect::<Vec<_>>();
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let points: Vec<_> = points(&swept()).into_iter().map(|point| cell(&swept(), point, 1).id).collect();
        assert_ne!(order(1)[..8], points, "unshuffled");
    }

    #[test]
    fn a_cell_knows_its_feed() {
        let scenario = swept();
        let cell = cell(&scenario, points(&scenario)[1], 2);
        let expected =
            SourceConfig::Synthetic { rate: 10.0, schedule: Schedule::Constant, payload_bytes: 1024, binary: false };
        assert_eq!(cell.feed(&scenario), Some(expected));
    }

    #[test]
    fn a_cells_server_gets_the_scenarios_settings() {
        let seconds = Duration::from_secs;
        let mut scenario = swept();
        scenario.feed.stall = Some(Stall { after: seconds(4), length: seconds(1) });
        scenario.clients.slow = Some(SlowClients { count: 5, bytes_per_s: 1000 });
        let contender = &mut scenario.contenders[0];
        contender.options = Options::Sse { keepalive: seconds(7) };
        contender.reconnect.after = Some(seconds(3));
        contender.serving.history = Some(9);
        contender.serving.slow_policy = SlowPolicy::Disconnect;
        contender.serving.coalesce = Some(seconds(2));
        contender.age_from = AgeFrom::Publication;
        let cell = cell(&scenario, points(&scenario)[0], 1);
        let expected = Settings {
            source: cell.feed(&scenario),
            age_from: AgeFrom::Publication,
            stall: Some(Stall { after: scenario.measure.warm_up + seconds(4), length: seconds(1) }),
            history: 9,
            slow_policy: SlowPolicy::Disconnect,
            coalesce: Some(seconds(2)),
            send_buffer: Some(SLOW_SEND_BUFFER),
            keepalive: seconds(7),
            retry: seconds(3),
            max_connections: 2 * 55 + 64,
            ..Settings::default()
        };
        assert_eq!(cell.settings(&scenario), expected);
        scenario.feed.source = Source::Clients { updates_per_s: 1.0, payload_bytes: 1 };
        let settings = cell.settings(&scenario);
        assert!(settings.allow_publish && settings.source.is_none());
    }
}
