//! The numbers behind the charts.

use std::fmt::Write as _;

use super::*;

use crate::dataset::{ByteKind, Level};
use crate::human;
use crate::series::Series;

#[test]
fn ages_become_the_points_of_a_distribution() {
    let data = dataset(&scenario("[10]", "[256]", 2), known);
    let sse = &data.ages[2];
    assert_eq!((sse.count, sse.points.as_slice()), (1200, [(400.0, 0.5), (600.0, 1.0)].as_slice()));
    let polling = &data.ages[0];
    assert_eq!(polling.points.len(), 100, "every age has its own point");
    assert!(polling.points.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
    assert_eq!(polling.points.last().map(|point| point.1), Some(1.0));
}

#[test]
fn a_dense_distribution_is_thinned_to_visible_points() {
    let scenario = scenario("[10]", "[256]", 1);
    let fine =
        |_: &Contender, _: &Cell| CellFixture { ages: vec![(1_000..21_000).collect()], ..CellFixture::default() };
    let points = &dataset(&scenario, fine).ages[0].points;
    assert!((100..400).contains(&points.len()), "{}", points.len());
    let steps = points.windows(2).all(|pair| pair[1].1 - pair[0].1 < 0.01);
    assert!(steps, "no visible step is added");
}

#[test]
fn bars_and_seconds_are_those_of_the_run() {
    let data = dataset(&scenario("[10]", "[256]", 2), varied);
    insta::assert_snapshot!(figures(&data));
}

#[test]
fn seconds_with_few_updates_show_their_mean_and_their_oldest() {
    let sparse = |contender: &Contender, cell: &Cell| {
        let CellFixture { metrics, .. } = known(contender, cell);
        let ages = [vec![100, 300], vec![], vec![700], vec![50, 60, 70]];
        CellFixture { ages: ages.into(), metrics, ..CellFixture::default() }
    };
    let timelines = dataset(&scenario("[10]", "[256]", 1), sparse).timelines;
    assert_eq!(timelines.names(), ["mean", "oldest update"]);
    let moments: Vec<_> = timelines.lines[0].moments.iter().map(|m| (m.second, m.middle, m.edge)).collect();
    assert_eq!(
        moments,
        [(0, 200.0, 300.0), (2, 700.0, 700.0), (3, 60.0, 70.0)],
        "the second without updates is missing"
    );
}

#[test]
fn lines_show_the_largest_clients_and_payload_and_bars_show_every_row_while_they_are_few() {
    let clients = dataset(&scenario("[10, 20]", "[256]", 1), known);
    assert_eq!((clients.ages.len(), clients.bytes.len(), clients.bars_scoped), (4, 8, false));
    assert!(clients.ages.iter().all(|ecdf| ecdf.series.clients == 20));
    let both = dataset(&scenario("[10, 20]", "[64, 4096]", 1), known);
    assert_eq!((both.ages.len(), both.bytes.len(), both.bars_scoped), (4, 4, true));
    assert!(both.bytes.iter().all(|bar| bar.series.clients == 20 && bar.series.payload_bytes == Some(4096)));
}

#[test]
fn a_sweep_is_grouped_so_that_contenders_are_side_by_side() {
    let data = dataset(&scenario("[10, 20]", "[256]", 1), known);
    let rows: Vec<_> = data.bytes.iter().map(|bar| (bar.series.clients, bar.series.spoken.as_str())).collect();
    let names = ["short polling", "long polling", "SSE", "WebSocket"];
    let expected: Vec<_> = [10, 20].into_iter().flat_map(|clients| names.map(|name| (clients, name))).collect();
    assert_eq!(rows, expected);
}

#[test]
fn surplus_contenders_are_left_out_of_line_charts_only() {
    let intervals: String =
        (1..=18).map(|s| format!("{{ transport = \"short-polling\", interval = \"{s}s\" }},")).collect();
    let many = scenario("[10]", "[256]", 1).replace("{ transport = \"short-polling\" },", &intervals);
    let data = dataset(&many, known);
    assert_eq!((data.ages.len(), data.lines_left_out(), data.bytes.len()), (16, 5, 21));
    let looks: Vec<_> = data.ages.iter().map(|ecdf| ecdf.series.look).collect();
    assert!(looks[0].marker != looks[1].marker && looks[0].color != looks[1].color, "G2: they look different");
}

/// G3: polled ages are on a linear axis, where they make a straight line; ages of several decades are not.
#[test]
fn the_age_axis_is_linear_where_most_lines_spread_over_it() {
    let polled = scenario("[10]", "[256]", 1)
        .replace("{ transport = \"long-polling\" },", "{ transport = \"short-polling\", interval = \"250ms\" },")
        .replace("{ transport = \"websocket\" },", "");
    for (scenario, kind) in [(polled, "linear"), (scenario("[10]", "[256]", 1), "logarithmic")] {
        let report = report(&scenario, known);
        let chart = &report.charts[0].1;
        assert!(chart.contains(&format!("age of an update on arrival, {kind}")), "{kind}");
        assert!(report.html.contains(&format!("Ages grow to the right on a {kind} scale")), "the caption says {kind}");
    }
}

/// G4: a long run is not drawn in thousands of seconds, and six seconds are points, which nothing connects.
#[test]
fn bins_fit_the_length_of_the_run() {
    let long = scenario("[10]", "[256]", 1).replace("6s", "300s");
    let fixture = |contender: &Contender, cell: &Cell| {
        let CellFixture { metrics, .. } = known(contender, cell);
        let ages = (0..300).map(|second| vec![1_000 + second; 10]).collect();
        CellFixture { ages, metrics, ..CellFixture::default() }
    };
    let timelines = dataset(&long, fixture).timelines;
    assert_eq!((timelines.bin, timelines.lines[0].moments.len(), timelines.names()[0]), (5, 60, "median"));
    let second = timelines.lines[0].moments[1];
    assert_eq!((second.second, second.middle, second.edge), (5, 1_007.0, 1_009.0), "the ages are taken together");
    let html = report(&long, fixture).html.replace('\u{a0}', " ");
    assert!(html.contains("the median of each interval of 5 s") && html.contains("Each point is 5 s of the run"));

    let known_for = |seconds: &str| report(&scenario("[10]", "[256]", 1).replace("6s", seconds), known);
    let short = known_for("6s").html.replace('\u{a0}', " ");
    assert!(short.contains("id=\"age-over-time\"") && !short.contains("too short"), "the chart shows six seconds");
    assert!(short.contains("each point is 1 s of the run, and too few to connect"), "{short}");
    assert!(short.contains("look for a marker, the median of a second, or the end of its stroke"));
    let one = known_for("1500ms");
    assert!(one.charts.iter().all(|(name, _)| name != "age-over-time.svg"));
    assert!(one.html.replace('\u{a0}', " ").contains("a measured time of 1.5 s is too short for a chart"));
}

/// G4: a title does not call too short what the chart below it shows plainly.
#[test]
fn a_few_seconds_are_described_as_they_are() {
    let few = scenario("[10]", "[256]", 1).replace("6s", "9s");
    let sparse = |contender: &Contender, cell: &Cell| {
        let CellFixture { ages, metrics, .. } = known(contender, cell);
        CellFixture { ages: ages.into_iter().take(3).collect(), metrics, ..CellFixture::default() }
    };
    let html = report(&few, sparse).html.replace('\u{a0}', " ");
    assert!(
        html.contains("The oldest update is at most 1 s over short polling, and 1 ms over the other three"),
        "{html}"
    );
    assert!(!html.contains("stands out") && !html.contains("trend"));
}

/// The bytes of an update over SSE, with and without what only some machines count.
fn bytes_of(extra: &[(Metric, f64)]) -> Dataset {
    dataset(&scenario("[10]", "[256]", 1), |contender, cell| {
        let mut fixture = known(contender, cell);
        fixture.metrics.insert(Metric::SocketBytesPerUpdate, 310.0);
        fixture.metrics.extend(extra.iter().copied());
        fixture
    })
}

const BY_KIND: [(Metric, f64); 3] = [
    (Metric::FramingBytesPerUpdate, 50.0),
    (Metric::HeaderBytesPerUpdate, 4.0),
    (Metric::KeepaliveBytesPerUpdate, 0.0),
];

#[test]
fn bytes_are_split_as_far_as_they_were_counted() {
    let parts = |data: &Dataset| data.bytes[2].parts(data.bytes_level).unwrap();
    let old = bytes_of(&[]);
    assert_eq!(old.bytes_level, Level::Socket);
    assert_eq!(parts(&old), [(ByteKind::Payload, 256.0), (ByteKind::Added, 54.0)]);
    let split = bytes_of(&BY_KIND);
    assert_eq!(
        parts(&split),
        [(ByteKind::Payload, 256.0), (ByteKind::Framing, 50.0), (ByteKind::Headers, 4.0)],
        "no keepalive"
    );
    let wire = bytes_of(&[&BY_KIND[..], &[(Metric::WireBytesPerUpdate, 414.0)]].concat());
    assert_eq!(wire.bytes_level, Level::Wire);
    assert_eq!(parts(&wire).last(), Some(&(ByteKind::TcpIp, 104.0)));
    assert_eq!(parts(&wire).iter().map(|part| part.1).sum::<f64>(), 414.0, "the parts are the whole");
}

#[test]
fn bytes_are_compared_on_the_socket_unless_all_have_a_wire() {
    let data = dataset(&scenario("[10]", "[256]", 1), |contender, cell| {
        let mut fixture = known(contender, cell);
        if contender.transport() != Transport::Sse {
            fixture.metrics.insert(Metric::WireBytesPerUpdate, 900.0);
        }
        fixture
    });
    assert_eq!(data.bytes_level, Level::Socket);
    assert_eq!(data.bytes[0].parts(data.bytes_level).unwrap().len(), 2, "no part of the wire");
}

#[test]
fn a_payload_that_was_compressed_fills_the_bar() {
    let data = bytes_of(&[(Metric::PayloadBytesPerUpdate, 400.0)]);
    assert_eq!(data.bytes[2].parts(Level::Socket).unwrap(), [(ByteKind::Payload, 310.0)]);
}

#[test]
fn a_prediction_has_a_line_where_ages_are_predicted_to_differ() {
    let predicted = |ages: &[(f64, f64)]| {
        let ages = ages.to_vec();
        let data = dataset(&scenario("[10]", "[256]", 1), |contender, cell| {
            let predicted = Predicted { ages: ages.clone(), ..Predicted::default() };
            CellFixture { predicted: Some(predicted), ..known(contender, cell) }
        });
        data.ages[0].predicted.clone()
    };
    assert_eq!(predicted(&[(0.0, 0.0), (0.5, 500.0), (1.0, 900.0)]), [(0.0, 0.0), (500.0, 0.5), (900.0, 1.0)]);
    assert!(predicted(&[(0.0, 40.0), (1.0, 40.0)]).is_empty() && predicted(&[]).is_empty());
    assert_eq!(predicted(&[(0.5, 500.0), (0.4, 700.0), (1.0, 900.0)]).len(), 2, "a share never falls");
}

#[test]
fn only_close_neighbors_are_compared() {
    let data = dataset(&scenario("[10]", "[256]", 3), varied);
    let pairs: Vec<_> = data.differences.pairs.iter().map(|p| (&*p.first.spoken, &*p.second.spoken)).collect();
    assert_eq!(pairs, [("SSE", "WebSocket"), ("SSE", "long polling")], "the latter are neighbors at p99");
    let (sse, websocket, polling) = ("SSE", "WebSocket", "short polling, 1 s");
    assert_eq!(data.differences.is_shown(Metric::AgeP50, websocket, sse), Some(true), "in either order");
    assert_eq!(data.differences.is_shown(Metric::AgeP50, sse, polling), Some(true), "the extremes of the title");
    assert_eq!(data.differences.is_shown(Metric::AgeP99, sse, polling), None, "not computed");
    assert!(dataset(&scenario("[10]", "[256]", 1), known).differences.pairs.is_empty(), "one repetition");
    let invalid_run =
        |contender: &Contender, cell: &Cell| CellFixture { verdict: invalid(), ..varied(contender, cell) };
    assert!(dataset(&scenario("[10]", "[256]", 3), invalid_run).differences.pairs.is_empty(), "an invalid run");
}

/// Every figure of the bars, and the first second of each line.
fn figures(data: &Dataset) -> String {
    let mut text = String::new();
    let number = |value: Option<f64>| value.map_or(human::ABSENT.to_owned(), human::count);
    for (index, bar) in data.bytes.iter().enumerate() {
        let Series { label, spoken, clients, .. } = &bar.series;
        let _ = writeln!(text, "{label} ({spoken}), {clients} clients");
        let socket = bar.socket.map_or((None, None, None), |e| (Some(e.value), e.low, e.high));
        let [value, low, high] = [socket.0, socket.1, socket.2].map(number);
        let _ = writeln!(text, "  bytes: {} of {value} ({low} to {high})", number(bar.payload));
        let requests = &data.requests[index];
        let _ = writeln!(text, "  requests: {} empty of {}", number(requests.empty), number(requests.all));
        let costs = data.connection.iter().map(|panel| number(panel[index].estimate.map(|e| e.value)));
        let _ = writeln!(text, "  connection: {}", costs.collect::<Vec<_>>().join(" "));
        let line = &data.timelines.lines[index];
        let first = line.moments[0];
        let [middle, edge] = data.timelines.names();
        let _ = writeln!(
            text,
            "  {} seconds of repetition {:?}, first: {middle} {}, {edge} {}",
            line.moments.len(),
            line.repetition,
            first.middle,
            first.edge
        );
    }
    text
}

#[test]
fn faults_are_marked_for_the_contenders_they_affect_each_time_they_occur() {
    use feedlab_experiment::scenario::{Fault, FaultKind, ProcessFault};
    use std::time::Duration;

    let mut scenario = failing::scenario(1);
    let reload =
        Fault { kind: FaultKind::Process(ProcessFault::ReloadNginx), at: Duration::from_secs(1), ..scenario.faults[0] };
    scenario.faults.push(Fault { every: None, ..reload });
    let folder = tempfile::tempdir().unwrap();
    let results = run::results_of(folder.path(), scenario, None, failing::fixture);
    let timelines = Dataset::new(&results).unwrap().timelines;
    let marks = |line: usize| {
        let marks = timelines.lines[line].marks.iter();
        let text = marks.map(|mark| format!("{} {}+{} {:?}", mark.name, mark.at, mark.length, mark.label.as_deref()));
        text.collect::<Vec<_>>().join("; ")
    };
    insta::assert_snapshot!(marks(3));
    assert_eq!(marks(2), format!("reload 1+0 Some(\"reload\"); {}", marks(3)), "SSE goes through nginx");
    assert_eq!(timelines.faults[1..3], ["refused at 9 s for 1 s", "kill at 15 s for 500 ms"]);
}
