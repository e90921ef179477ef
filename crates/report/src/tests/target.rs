//! Runs of targets: no predictions, no parts of bytes, and the servers are named.

use super::*;

const TARGETS: &str = r#"
schema = 1
name = "peers"
feed = { source = "synthetic", updates_per_s = 10 }
clients = { count = 10 }
measure = { duration = "6s" }
contender = [
    { transport = "sse", target = "nchan" },
    { transport = "websocket", target = "own" },
    { transport = "long-polling" },
]
threshold = [{ metric = "updates_missed", expect = "== 0" }]
[target.nchan]
command = "scripts/start <nchan>"
sse = "/sse"
publish = { path = "/pub" }
[target.own]
url = "http://127.0.0.1:9000"
websocket = "/ws"
stamp = { seq = "/id", at = "/ts" }
"#;

/// Only feedlab's own server has parts of bytes and a prediction.
fn measured(contender: &Contender, cell: &Cell) -> CellFixture {
    let mut found = known(contender, cell);
    if contender.target.is_some() {
        return found;
    }
    let parts = [
        (Metric::FramingBytesPerUpdate, 40.0),
        (Metric::HeaderBytesPerUpdate, 400.0),
        (Metric::KeepaliveBytesPerUpdate, 4.0),
    ];
    found.metrics.extend(parts);
    let metrics = [(Metric::SocketBytesPerUpdate, 700.0)].into();
    found.predicted = Some(Predicted { metrics, ..Predicted::default() });
    found
}

fn plain(html: &str) -> String {
    html.replace('\u{a0}', " ")
}

#[test]
fn a_run_of_targets_is_drawn_and_names_their_servers() {
    let (_folder, results) = run(TARGETS, measured);
    let html = plain(&render(&results).unwrap().html);
    let started = "nchan (started with `scripts/start &#60;nchan&#62;`) for SSE, nchan; own (at http://127.0.0.1:9000, not \
                   started by the run, with a feed of its own) for WebSocket, own";
    assert!(html.contains(started), "{html}");
    let caveat = "The servers of SSE (nchan) and WebSocket (own) are not feedlab&#39;s: bytes, requests and connections are \
                  counted at the clients";
    assert!(html.contains(caveat), "{html}");
    assert!(html.contains("Those of SSE (nchan) and WebSocket (own) are counted at the clients"));
    assert!(html.contains("over WebSocket (own)"), "a sentence names the server, not the transport alone");
    assert!(html.contains("added by the transport") && html.contains("HTTP headers"));
}

#[test]
fn only_contenders_with_a_prediction_are_compared_with_one() {
    let (_folder, results) = run(TARGETS, measured);
    let tables = crate::prediction::of(&results.summary).unwrap().tables;
    let rows: Vec<_> = tables.iter().flat_map(|table| &table.rows).map(|row| row.name.as_str()).collect();
    assert_eq!(rows, ["long polling, hold 25 s"]);
    let targets_alone = TARGETS.replace("    { transport = \"long-polling\" },\n", "");
    let (_folder, results) = run(&targets_alone, measured);
    assert_eq!(crate::prediction::of(&results.summary).map(|prediction| prediction.tables), None);
    let html = plain(&render(&results).unwrap().html);
    assert!(!html.contains("Predicted and measured") && !html.contains("the server keeps the last"));
}

#[test]
fn a_target_on_another_machine_is_not_called_loopback() {
    let remote = TARGETS.replace("http://127.0.0.1:9000\"", "http://example.org:9000\"\nremote = true");
    let (_folder, results) = run(&remote, measured);
    let html = plain(&render(&results).unwrap().html);
    assert!(html.contains("A target may be on another machine") && html.contains("the network to a target"));
    assert!(!html.contains("loopback, where all transports"));
}

/// G2: the contenders of one transport differ, and a server looks alike over each.
#[test]
fn a_server_has_one_marker_and_one_lightness_over_every_transport() {
    let contenders = r#"
    { transport = "sse" },
    { transport = "websocket" },
    { transport = "sse", target = "nchan" },
    { transport = "websocket", target = "nchan" },
"#;
    let (head, rest) = TARGETS.split_once("contender = [").unwrap();
    let (_, rest) = rest.split_once("]\nthreshold").unwrap();
    let (rest, _) = rest.split_once("[target.own]").unwrap();
    let scenario = format!("{head}contender = [{contenders}]\nthreshold{rest}websocket = \"/ws\"\n");
    let looks: Vec<_> = dataset(&scenario, known).ages.iter().map(|ecdf| ecdf.series.look).collect();
    let [sse, websocket, sse_of_nchan, websocket_of_nchan] = looks[..] else { panic!("{looks:?}") };
    assert_ne!(sse.marker, websocket.marker);
    assert_eq!(sse_of_nchan.marker, websocket_of_nchan.marker);
    assert!(sse_of_nchan.color != sse.color && sse_of_nchan.color != websocket_of_nchan.color);
    assert_eq!((sse_of_nchan.dashes, websocket_of_nchan.dashes), (sse.dashes, websocket.dashes));
}
