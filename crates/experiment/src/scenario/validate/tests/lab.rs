//! The lab: network, faults, the contenders' options for them, and contradictions.

use super::*;
use crate::scenario::{
    Connections, Fault, FaultKind, Http, Link, LinkFault, Network, Nginx, Options, ProcessFault, ReconnectPolicy,
    Serving, SlowPolicy, Via,
};

const ALL: &str = r#"
    schema = 1
    name = "all"
    feed = { source = "synthetic", updates_per_s = 10, binary = true, history = 0 }
    clients = { count = 10, slow = { count = 2, bytes_per_s = 100 } }
    measure = { duration = "10s" }
    network = { rtt = "100ms", jitter = "5ms", bandwidth_bytes_per_s = 125000, idle_timeout = "10s", buffer_bytes = 8192 }
    nginx = { read_timeout = "5s", upstreams = 2 }
    [[fault]]
    kind = "cut"
    at = "1s"
    every = "2s"
    share = 0.5
    [[fault]]
    kind = "kill"
    at = "5s"
    [[fault]]
    kind = "black-hole"
    at = "9s"
    for = "2s"
    [[contender]]
    transport = "sse"
    tls = true
    http = "2"
    connections = "shared"
    via = "nginx-buffering"
    reconnect_after = "1s"
    jitter = false
    cursor = false
    history = 0
    slow_policy = "latest"
    coalesce = "50ms"
    [[contender]]
    transport = "websocket"
    read_buffer_bytes = 131072
    [[contender]]
    transport = "auto"
    first = "websocket"
    watchdog = "5s"
    climb = "20s"
    hold = "10s"
    interval = "2s"
    keepalive = "2s"
"#;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn every_lab_option_can_be_written() {
    let scenario = parse(ALL).unwrap();
    let network = Network {
        rtt: ms(100),
        jitter: ms(5),
        bandwidth_bytes_per_s: Some(125_000),
        idle_timeout: Some(ms(10_000)),
        buffer_bytes: Some(8192),
    };
    assert_eq!(scenario.network, Some(network));
    assert_eq!(scenario.nginx, Nginx { read_timeout: ms(5000), upstreams: 2, ..Nginx::default() });
    let fault = |kind, at, every: Option<u64>, length, share| {
        let (at, every, length) = (ms(at), every.map(ms), ms(length));
        Fault { kind, at, every, length, share, node: 1 }
    };
    let faults = [
        fault(FaultKind::Link(LinkFault::Cut), 1000, Some(2000), 0, 0.5),
        fault(FaultKind::Process(ProcessFault::Kill), 5000, None, 500, 1.0),
        fault(FaultKind::Link(LinkFault::BlackHole), 9000, None, 2000, 1.0),
    ];
    assert_eq!(scenario.faults, faults);
    assert_eq!(scenario.clients.slow, Some(SlowClients { count: 2, bytes_per_s: 100 }));
    assert_eq!(scenario.feed.history, 0);
    let Source::Synthetic { binary: true, .. } = scenario.feed.source else { panic!("{:?}", scenario.feed) };
    let json = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario, "{json}");
}

#[test]
fn contenders_define_connections_reconnects_and_serving() {
    let scenario = parse(ALL).unwrap();
    let [sse, socket, auto] = scenario.contenders.as_slice() else { panic!("{:?}", scenario.contenders) };
    let link = Link { tls: true, http: Http::V2, connections: Connections::Shared, via: Via::NginxBuffering };
    assert_eq!(sse.link, link);
    assert_eq!(sse.reconnect, ReconnectPolicy { after: Some(ms(1000)), jitter: false, with_cursor: false });
    let serving =
        Serving { history: Some(0), slow_policy: SlowPolicy::Latest, coalesce: Some(ms(50)), ..Serving::default() };
    assert_eq!(sse.serving, serving);
    assert_eq!(socket.serving, Serving { read_buffer_bytes: Some(131_072), ..Serving::default() });
    assert_eq!((socket.link, socket.reconnect), (Link::default(), ReconnectPolicy::default()));
    let ladder = Options::Auto {
        first: Transport::WebSocket,
        watchdog: ms(5000),
        climb: ms(20_000),
        hold: ms(10_000),
        interval: ms(2000),
        keepalive: ms(2000),
    };
    assert_eq!(auto.options, ladder);
}

#[test]
fn omitted_lab_keys_get_their_defaults() {
    let text = GOOD.replace("[clients]", "[network]\n\n[clients]").replace("\"sse\"", "\"auto\"");
    let scenario = parse(&text).unwrap();
    assert_eq!(scenario.network, Some(Network::default()));
    let ladder = Options::Auto {
        first: Transport::Sse,
        watchdog: ms(3000),
        climb: ms(30_000),
        hold: ms(25_000),
        interval: ms(1000),
        keepalive: ms(1000),
    };
    assert_eq!(scenario.contenders[1].options, ladder);
    let clients = GOOD.replace("\"synthetic\"", "\"clients\"");
    let source = Source::Clients { updates_per_s: 10.0, payload_bytes: 256 };
    assert_eq!(parse(&clients).unwrap().feed.source, source);
}

#[test]
fn the_drain_is_long_enough_for_reconnecting_clients() {
    let drain = |more: &str| parse(&GOOD.replace("[clients]", &format!("{more}\n[clients]"))).unwrap().measure.drain;
    let fault = |rest: &str| drain(&format!("[[fault]]\nat = \"1s\"\n{rest}"));
    assert_eq!(drain(""), ms(2000));
    assert_eq!(drain("[network]\nrtt = \"100ms\"\njitter = \"10ms\""), ms(2220));
    assert_eq!(drain("[network]\nidle_timeout = \"5s\""), ms(5000));
    assert_eq!(drain("[network]\nbuffer_bytes = 8192"), ms(2000 + 3200), "32 updates of 256 B, at 10 updates/s");
    assert_eq!(fault("kind = \"cut\""), ms(5000));
    assert_eq!(fault("kind = \"kill\""), ms(6000), "and as long again as the server was away");
    assert_eq!(fault("kind = \"restart\""), ms(3000 + 9000), "a server that stops spreads its event streams");
    assert_eq!(fault("kind = \"refuse\"\nfor = \"30s\""), ms(2000 + 30_000 + 10_000 + 3000));
    let slow = GOOD.replace("\"sse\"", "\"sse\"\nreconnect_after = \"5s\"");
    let slow = slow.replace("[clients]", "[[fault]]\nkind = \"cut\"\nat = \"1s\"\n[clients]");
    assert_eq!(parse(&slow).unwrap().measure.drain, ms(2000 + 10_000));
}

/// A change to the valid scenario, and the error line that it must cause.
const REJECTED: &[(&str, &str, &str)] = &[
    ("\"synthetic\"", "\"synthetic\"\nservers = 9", "7:11: `servers` is 9; it must be from 1 to 8"),
    (
        "\"synthetic\"",
        "\"host\"\nservers = 2",
        "7:11: only a synthetic feed or a replay is the same on every server; use one of those, a `broker`, or a \
         single server",
    ),
    (
        "[clients]",
        "servers = 2\n[network]\n[clients]",
        "9:11: the lab proxy forwards to one server, a link ends at one, and a fault affects one; remove [network] and \
         [[fault]], or use a single server",
    ),
    ("[clients]", "[network]\nrtt = \"11s\"\n[clients]", "10:7: `rtt` is 11s; it must be from 0s to 10s"),
    (
        "[clients]",
        "[network]\ndelay = \"1s\"\n[clients]",
        "10:1: unknown key `delay`; allowed here: model, profile, rtt, jitter, reorder, loss, loss_burst, rate, rate_up, \
         queue, mtu, congestion, bandwidth_bytes_per_s, idle_timeout, buffer_bytes",
    ),
    ("[clients]", "[network]\nbuffer_bytes = 0\n[clients]", "10:16: `buffer_bytes` is 0; it must be from 1 to 1048576"),
    (
        "[clients]",
        "[nginx]\n[clients]",
        "9:1: no contender connects through nginx; give one `via = \"nginx\"`, or remove [nginx]",
    ),
    (
        "\"sse\"",
        "\"sse\"\nconnections = \"shared\"",
        "21:15: only HTTP/2 lets clients share a connection; add `http = \"2\"`",
    ),
    (
        "\"sse\"",
        "\"auto\"\nconnections = \"shared\"\nhttp = \"2\"",
        "21:15: a fallback ladder changes its transport and cannot share a connection; remove `connections`",
    ),
    (
        "\"sse\"",
        "\"sse\"\nhttp = \"2\"\nvia = \"nginx\"",
        "21:8: nginx offers HTTP/2 to clients only with TLS; add `tls = true`",
    ),
    (
        "\"sse\"",
        "\"websocket\"\nhttp = \"2\"\ntls = true\nvia = \"nginx\"",
        "21:8: nginx does not support WebSockets over HTTP/2 (RFC 8441); use `http = \"1.1\"` or `via = \"direct\"`",
    ),
    (
        "interval = \"1s\"",
        "keep_alive = false\nhttp = \"2\"",
        "17:14: `keep_alive = false` exists only in HTTP/1.1; remove it, or `http = \"2\"`",
    ),
    ("\"sse\"", "\"sse\"\nhttp = 2", "21:8: this value is one of a fixed set of words; put it in quotes"),
    ("\"sse\"", "\"sse\"\nhttp = \"3\"", "21:8: unknown value `3`; did you mean `2`? allowed here: 1.1, 2"),
    (
        "\"sse\"",
        "\"sse\"\nvia = \"ngin\"",
        "21:7: unknown value `ngin`; did you mean `nginx`? allowed here: direct, nginx, nginx-default, nginx-buffering",
    ),
    (
        "interval = \"1s\"",
        "cursor = false",
        "17:10: `cursor` is an option of long-polling, sse and websocket, not of short-polling; remove it",
    ),
    (
        "interval = \"1s\"",
        "slow_policy = \"latest\"",
        "17:15: `slow_policy` is an option of sse and websocket, not of short-polling; remove it",
    ),
    (
        "\"sse\"",
        "\"sse\"\nread_buffer_bytes = 4096",
        "21:21: `read_buffer_bytes` is an option of websocket, not of sse; remove it",
    ),
    ("\"sse\"", "\"sse\"\nhistory = -1", "21:11: `history` is -1; it must be from 0 to 1000000"),
    (
        "\"sse\"",
        "\"auto\"\nfirst = \"long-polling\"",
        "21:9: a fallback ladder starts with sse or websocket, not with long-polling",
    ),
    (
        "\"sse\"",
        "\"auto\"\nkeepalive = \"3s\"",
        "21:13: a watchdog of 3s would treat an idle stream with a keepalive every 3s as broken; make `keepalive` \
         shorter or `watchdog` longer",
    ),
    ("updates_per_s = 10", "updates_per_s = 10\npayload_bytes = [1, 2]", ""),
    (
        "source = \"synthetic\"\nupdates_per_s = 10",
        "source = \"clients\"\nupdates_per_s = 10\npayload_bytes = [1, 2]",
        "8:17: clients publish updates of a single size; write one number, and one scenario for each size",
    ),
    (
        "source = \"synthetic\"\nupdates_per_s = 10",
        "source = \"clients\"",
        "6:10: source clients requires `updates_per_s`; add it, as in `updates_per_s = 10`",
    ),
    (
        "source = \"synthetic\"\nupdates_per_s = 10",
        "source = \"clients\"\nupdates_per_s = 10\nbinary = true",
        "8:10: `binary` is an option of synthetic, not of clients; remove it",
    ),
];

#[test]
fn contradictions_are_rejected_at_their_position() {
    check(GOOD, REJECTED);
}

/// A fault, and the error line that it must cause; the fault's first key is in line 10.
const FAULTS: &[(&str, &str)] = &[
    ("kind = \"cut\"\nat = \"1s\"", ""),
    ("at = \"1s\"", "9:1: the key `kind` is missing; add it"),
    ("kind = \"cut\"", "9:1: the key `at` is missing; add it"),
    (
        "kind = \"cut\"\nat = \"90s\"",
        "11:6: this is after the measured time: `duration` is 1m 30s; choose an earlier time",
    ),
    (
        "kind = \"cut\"\nat = \"1s\"\nfor = \"1s\"",
        "12:7: this fault is instantaneous; remove `for`, or repeat it with `every`",
    ),
    ("kind = \"black-hole\"\nat = \"1s\"", "10:8: this fault has a duration; add `for`, as in `for = \"2s\"`"),
    (
        "kind = \"black-hole\"\nat = \"1s\"\nfor = \"2s\"\nevery = \"2s\"",
        "13:9: the fault would repeat before it ends after 2s; make `every` longer",
    ),
    (
        "kind = \"cut\"\nat = \"1s\"\nshare = 0.0",
        "12:9: `share` is 0; it must be above 0 and at most 1 (all \
                                                  connections)",
    ),
    (
        "kind = \"cut\"\nat = \"1s\"\nshare = nan",
        "12:9: `share` is NaN; it must be above 0 and at most 1 (all connections)",
    ),
    (
        "kind = \"kill\"\nat = \"1s\"\nshare = 0.5",
        "12:9: this fault affects all clients; `share` is an option of cut, reset, black-hole and ramp: remove it",
    ),
    (
        "kind = \"reload-nginx\"\nat = \"1s\"",
        "10:8: not every contender connects through nginx; give each `via = \"nginx\"`, or remove the fault",
    ),
    (
        "kind = \"cuts\"\nat = \"1s\"",
        "10:8: unknown value `cuts`; did you mean `cut`? allowed here: cut, reset, black-hole, ramp, refuse, status-503, status-204, wrong-type, restart, kill, reload-nginx, drain, remove, add",
    ),
];

#[test]
fn an_impossible_fault_is_rejected_at_its_position() {
    for (fault, expected) in FAULTS {
        check(GOOD, &[("[clients]", &format!("[[fault]]\n{fault}\n[clients]"), expected)]);
    }
    let fault = "[[fault]]\nkind = \"kill\"\nat = \"1s\"\n[clients]";
    let live = "10:8: a restarted server serves the same feed only if the feed is synthetic, a replay, or on a \
                `broker`; use one of those";
    check(&GOOD.replace("synthetic", "host"), &[("[clients]", fault, live)]);
    let on_broker = GOOD.replace("\"synthetic\"", "\"host\"\nbroker = \"nats\"");
    check(&on_broker, &[("[clients]", fault, "")]);
    let fault = "[[fault]]\nkind = \"status-204\"\nat = \"1s\"\nfor = \"1s\"\n[clients]";
    let sealed = "10:8: the lab proxy can answer only in unencrypted HTTP/1.1; remove `tls` and `http` from the \
                  contenders, or the fault";
    check(&GOOD.replace("\"sse\"", "\"sse\"\ntls = true"), &[("[clients]", fault, sealed)]);
    check(GOOD, &[("[clients]", fault, "")]);
}

/// A scenario in which all contenders connect through nginx, which has three servers.
fn behind_nginx() -> String {
    let transports = ["short-polling", "long-polling", "sse", "websocket"];
    let through =
        |text: String, name: &&str| text.replace(&format!("\"{name}\""), &format!("\"{name}\"\nvia = \"nginx\""));
    transports.iter().fold(GOOD.to_owned(), through).replace("[clients]", "[nginx]\nupstreams = 3\n[clients]")
}

#[test]
fn listed_servers_are_affected_in_turn_and_added_ones_get_the_next_number() {
    let faults = "[[fault]]\nkind = \"restart\"\nat = \"1s\"\nnode = [3, 1]\nevery = \"2s\"\n\
                  [[fault]]\nkind = \"add\"\nat = \"9s\"\n[[fault]]\nkind = \"remove\"\nat = \"12s\"\nnode = 4\n[clients]";
    let scenario = parse(&behind_nginx().replace("[clients]", faults)).unwrap();
    let seen = |fault: &Fault| (fault.kind.name(), fault.node, fault.at.as_secs(), fault.every);
    let seen: Vec<_> = scenario.faults.iter().map(seen).collect();
    assert_eq!(seen, [("restart", 3, 1, None), ("restart", 1, 3, None), ("add", 4, 9, None), ("remove", 4, 12, None)]);
    assert_eq!((scenario.servers(Via::Nginx), scenario.servers(Via::Direct)), (4, 1));
}

#[test]
fn an_impossible_fault_of_a_server_is_rejected() {
    let rejected = |fault: &str, expected: &str| {
        let fault = format!("[[fault]]\nat = \"1s\"\n{fault}\n[clients]");
        let error = parse(&behind_nginx().replace("[clients]", &fault)).unwrap_err().to_string();
        assert!(error.contains(expected), "{fault}: {error}");
    };
    rejected("kind = \"kill\"\nnode = 4", "`node` is 4; it must be from 1 to 3");
    rejected("kind = \"kill\"\nnode = [1, 2]", "but the interval is missing; add `every`");
    rejected("kind = \"kill\"\nnode = [1, 2]\nevery = \"2m\"", "the last of these faults would happen at 2m 1s");
    rejected("kind = \"cut\"\nnode = 1", "`node` is an option of restart, kill, drain and remove");
    rejected("kind = \"add\"\nnode = 4", "gets the next number");
    rejected("kind = \"add\"\nevery = \"2s\"", "needs its own [[fault]]");
    rejected("kind = \"remove\"\nnode = [1, 2, 3]\nevery = \"1s\"", "this would leave no server");
    rejected("kind = \"remove\"\nfor = \"1s\"", "this fault is instantaneous");
    let hash = behind_nginx().replace("upstreams = 3", "upstreams = 3\nbalance = \"hash\"");
    let far = hash.replace("[nginx]", "[network]\nrtt = \"10ms\"\n[nginx]");
    assert!(
        parse(&hash).is_ok()
            && parse(&far)
                .unwrap_err()
                .to_string()
                .contains("behind the lab proxy or a link all clients have the same address")
    );
    let stalled =
        behind_nginx().replace("[nginx]", "stall = { after = \"1s\", for = \"1s\" }\nbroker = \"nats\"\n[nginx]");
    assert!(parse(&stalled).unwrap_err().to_string().contains("remove `stall` or `broker`"));
}
