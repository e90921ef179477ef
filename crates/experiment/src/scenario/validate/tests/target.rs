//! Targets: what can be written, what contenders may do with them, and files with a single one.

use super::*;
use crate::scenario::{
    CursorRecipe, CursorSource, Endpoint, Options, Publish, ScenarioError, StampRecipe, Target, TimeUnit, Via,
};

const TARGETS: &str = r#"schema = 1
name = "peers"

[feed]
source = "synthetic"
updates_per_s = 10

[clients]
count = 10

[[contender]]
transport = "sse"

[[contender]]
target = "nchan"
transport = "sse"

[[contender]]
target = "ours-2"
transport = "short-polling"
interval = "250ms"

[target.nchan]
command = "start nchan --port $PORT"
sse = "/sse?x=1"
publish = { path = "/pub" }

[target.ours-2]
url = "http://127.0.0.1:9000/app/"
stamp = { seq = "/id", at = "/ts", unit = "ms" }
short-polling = { path = "/poll", cursor = { query = "after", pointer = "/next" } }
"#;

#[test]
fn a_contender_measures_a_target() {
    let scenario = parse(TARGETS).unwrap();
    let labels: Vec<_> = scenario.contenders.iter().map(|contender| contender.label.as_str()).collect();
    assert_eq!(labels, ["SSE", "SSE, nchan", "short polling, ours-2, 250 ms"]);
    let targets: Vec<_> = scenario.contenders.iter().map(|contender| contender.target.as_deref()).collect();
    assert_eq!(targets, [None, Some("nchan"), Some("ours-2")]);
    let endpoint = |path: &str, cursor| Endpoint { path: path.to_owned(), cursor };
    let nchan = Target {
        name: "nchan".to_owned(),
        command: Some("start nchan --port $PORT".to_owned()),
        url: "http://127.0.0.1:$PORT".to_owned(),
        remote: false,
        ready: None,
        endpoints: [(Transport::Sse, endpoint("/sse?x=1", CursorRecipe::Standard))].into(),
        publish: Some(Publish {
            method: "POST".to_owned(),
            path: "/pub".to_owned(),
            headers: Vec::new(),
            body: "$UPDATE".to_owned(),
        }),
        stamp: StampRecipe::Text,
    };
    let after = CursorRecipe::Query { name: "after".to_owned(), from: CursorSource::Pointer("/next".to_owned()) };
    let ours = Target {
        name: "ours-2".to_owned(),
        command: None,
        url: "http://127.0.0.1:9000/app".to_owned(),
        remote: false,
        ready: None,
        endpoints: [(Transport::ShortPolling, endpoint("/poll", after))].into(),
        publish: None,
        stamp: StampRecipe::Pointers { seq: "/id".to_owned(), at: "/ts".to_owned(), unit: TimeUnit::Millis },
    };
    assert_eq!(scenario.targets, [nchan.clone(), ours]);
    assert_eq!(scenario.target(&scenario.contenders[1]), Some(&nchan));
    assert_eq!(scenario.target(&scenario.contenders[0]), None);
}

#[test]
fn the_json_of_targets_reads_back() {
    let scenario = parse(TARGETS).unwrap();
    let json = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario, "{json}");
    insta::assert_json_snapshot!(scenario.targets);
    let without = serde_json::to_string(&parse(GOOD).unwrap()).unwrap();
    assert!(!without.contains("target"), "a manifest without targets is as before: {without}");
}

#[test]
fn every_key_of_a_target_can_be_written() {
    let text = r#"
        schema = 1
        [target.all]
        command = '''
            cd server
            exec ./serve "$PORT"'''
        url = "http://example.org:$PORT"
        remote = true
        ready = "/health?full"
        sse = { path = "/sse", cursor = "none" }
        websocket = { path = "/ws", cursor = { query = "from", from = "seq" } }
        short-polling = { path = "/poll", cursor = "etag" }
        long-polling = { path = "/lp", cursor = { query = "offset", header = "Stream-Next-Offset" } }
        [target.all.publish]
        method = "PUT"
        path = "/topic/1?x=2"
        headers = { content-type = "application/json", Authorization = "Bearer a b" }
        body = '{"id":$SEQ,"at":$AT}'
        [target.all.stamp]
        pattern = 'id=(?<seq>\d+),at=(?<at>\d+)'
        unit = "s"
    "#;
    let target = Target::parse(text, Path::new("all.toml")).unwrap();
    assert!(target.remote && target.command.as_ref().unwrap().lines().count() == 2);
    let publish = target.publish.as_ref().unwrap();
    assert_eq!(publish.method, "PUT");
    let headers = [("content-type", "application/json"), ("Authorization", "Bearer a b")];
    assert_eq!(publish.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(publish.body, "{\"id\":$SEQ,\"at\":$AT}");
    let pattern = "id=(?<seq>\\d+),at=(?<at>\\d+)".to_owned();
    assert_eq!(target.stamp, StampRecipe::Pattern { pattern, unit: TimeUnit::Seconds });
    let cursors: Vec<_> = target.endpoints.values().map(|endpoint| endpoint.cursor.clone()).collect();
    let query = |name: &str, from| CursorRecipe::Query { name: name.to_owned(), from };
    let header = CursorSource::Header("Stream-Next-Offset".to_owned());
    let expected = [CursorRecipe::Etag, query("offset", header), CursorRecipe::None, query("from", CursorSource::Seq)];
    assert_eq!(cursors, expected);
    let json = serde_json::to_string(&target).unwrap();
    assert_eq!(serde_json::from_str::<Target>(&json).unwrap(), target, "{json}");
}

#[test]
fn a_target_may_be_behind_the_lab_proxy_and_nginx() {
    let text = TARGETS
        .replace("transport = \"sse\"\n\n[[contender]]\ntarget = \"ours", "transport = \"sse\"\nvia = \"nginx\"\n\n[[contender]]\ntarget = \"ours")
        .replace("[clients]", "[network]\nrtt = \"10ms\"\n[[fault]]\nkind = \"cut\"\nat = \"1s\"\n[[fault]]\nkind = \"black-hole\"\nat = \"2s\"\nfor = \"1s\"\n[clients]");
    let scenario = parse(&text).unwrap();
    assert_eq!(scenario.contenders[1].label, "SSE, nchan, via nginx");
    assert_eq!((scenario.contenders[1].link.via, scenario.faults.len()), (Via::Nginx, 2));
}

#[test]
fn options_of_clients_and_connections_stay_possible() {
    let text = TARGETS.replace(
        "interval = \"250ms\"",
        "interval = \"250ms\"\nkeep_alive = true\nhttp = \"2\"\nreconnect_after = \"1s\"\njitter = false\nlabel = \"ours\"\n\
         conditional = false\ntls = false\nage_from = \"due\"",
    );
    let contender = parse(&text).unwrap().contenders[2].clone();
    assert_eq!(contender.label, "ours");
    let Options::ShortPolling { interval, .. } = contender.options else { panic!("{contender:?}") };
    assert_eq!(interval, Duration::from_millis(250));
    assert!(!contender.reconnect.jitter);
}

/// Changes to the contender of `nchan`, at line 14.
const OF_CONTENDERS: &[(&str, &str, &str)] = &[
    (
        "target = \"nchan\"",
        "target = \"nchn\"",
        "15:10: there is no target \"nchn\" in this file; did you mean `nchan`?",
    ),
    (
        "target = \"nchan\"",
        "target = \"other\"",
        "15:10: there is no target \"other\" in this file; the targets are nchan, ours-2",
    ),
    (
        "target = \"nchan\"\ntransport = \"sse\"",
        "target = \"nchan\"\ntransport = \"websocket\"",
        "16:13: the target nchan has no endpoint for websocket, only for sse; add one to [target.nchan], or use another \
         transport",
    ),
    (
        "target = \"nchan\"\ntransport = \"sse\"",
        "target = \"nchan\"\ntransport = \"auto\"",
        "16:13: a fallback ladder needs feedlab's own server; use one transport, or remove `target`",
    ),
    (
        "target = \"nchan\"\n",
        "target = \"nchan\"\nkeepalive = \"5s\"\nhistory = 0\n",
        "16:13: `keepalive` configures feedlab's own server, and this contender measures nchan; remove it",
    ),
    (
        "target = \"nchan\"\n",
        "target = \"nchan\"\nhistory = 0\n",
        "16:11: `history` configures feedlab's own server, and this contender measures nchan; remove it",
    ),
    (
        "target = \"nchan\"\n",
        "target = \"nchan\"\nslow_policy = \"latest\"\n",
        "16:15: `slow_policy` configures feedlab's own server, and this contender measures nchan; remove it",
    ),
    (
        "target = \"nchan\"\n",
        "target = \"nchan\"\ncoalesce = \"50ms\"\n",
        "16:12: `coalesce` configures feedlab's own server, and this contender measures nchan; remove it",
    ),
    (
        "target = \"nchan\"\n",
        "target = \"nchan\"\nmax_connection_age = \"50s\"\n",
        "16:22: `max_connection_age` configures feedlab's own server, and this contender measures nchan; remove it",
    ),
    (
        "target = \"nchan\"\n",
        "target = \"nchan\"\nage_from = \"publication\"\n",
        "16:12: `age_from` configures feedlab's own server, and this contender measures nchan; remove it",
    ),
    (
        "target = \"nchan\"\n",
        "target = \"nchan\"\ntls = true\n",
        "16:7: `tls` configures feedlab's own server, and this contender measures nchan; remove it",
    ),
    (
        "interval = \"250ms\"",
        "conditional = true",
        "21:15: the endpoint says what clients send; write `cursor = \"etag\"` in [target.ours-2], and remove `conditional`",
    ),
    (
        "[[contender]]\ntarget = \"nchan\"\ntransport = \"sse\"\n",
        "",
        "20:9: no contender measures this target; add `target = \"nchan\"` to one, or remove it",
    ),
];

#[test]
fn what_configures_feedlabs_own_server_is_rejected_for_a_target() {
    check(TARGETS, OF_CONTENDERS);
    let held = TARGETS.replace("sse = \"/sse?x=1\"", "long-polling = \"/lp\"").replace(
        "target = \"nchan\"\ntransport = \"sse\"",
        "target = \"nchan\"\ntransport = \"long-polling\"\nhold = \"5s\"",
    );
    let error = parse(&held).unwrap_err();
    assert!(error.contains("17:8: `hold` configures feedlab's own server"), "{error}");
    let none = GOOD.replace("\"sse\"", "\"sse\"\ntarget = \"a\"");
    let error = parse(&none).unwrap_err();
    assert!(error.ends_with("there is no target \"a\" in this file; add [target.a], or remove `target`"), "{error}");
}

/// Changes to what all contenders have in common.
const OF_THE_SCENARIO: &[(&str, &str, &str)] = &[
    (
        "\"synthetic\"",
        "\"host\"",
        "5:10: only synthetic updates can be published to a target; use `source = \"synthetic\"`, or no target",
    ),
    (
        "\"synthetic\"",
        "\"clients\"",
        "5:10: only synthetic updates can be published to a target; use `source = \"synthetic\"`, or no target",
    ),
    (
        "\"synthetic\"",
        "\"synthetic\"\nbinary = true",
        "6:10: updates are published to a target as text; remove `binary`",
    ),
    (
        "\"synthetic\"",
        "\"synthetic\"\npayload_bytes = [63, 512]",
        "6:17: the text of an update for a target needs 64 bytes; make `payload_bytes` 64 or more",
    ),
    ("\"synthetic\"", "\"synthetic\"\npayload_bytes = 64", ""),
    (
        "\"synthetic\"",
        "\"synthetic\"\nbroker = \"nats\"",
        "6:10: a broker holds the feed of feedlab's own servers; remove `broker`",
    ),
    ("\"synthetic\"", "\"synthetic\"\nservers = 2", "6:11: a target is a single server; remove `servers`"),
    (
        "[clients]",
        "[[fault]]\nkind = \"kill\"\nat = \"1s\"\n[clients]",
        "9:8: kill needs feedlab's own server, which comes back with the same feed; use a fault of the network, such as \
         cut, or measure no target",
    ),
    (
        "[[contender]]\ntarget = \"nchan\"\ntransport = \"sse\"",
        "[nginx]\nupstreams = 2\n[[contender]]\ntarget = \"nchan\"\ntransport = \"sse\"\nvia = \"nginx\"",
        "15:13: a target is a single server behind nginx; remove `upstreams`",
    ),
    (
        "[target.nchan]",
        "[[threshold]]\nmetric = \"age_p50_us\"\nexpect = \"within 5% of predicted\"\n[target.nchan]",
        "25:10: nothing is predicted for \"SSE, nchan\", whose server is not feedlab's; compare with a contender, or limit \
         the threshold to another one with `contender`",
    ),
    (
        "[target.nchan]",
        "[[threshold]]\nmetric = \"age_p50_us\"\nexpect = \"within 5% of predicted\"\ncontender = \"SSE\"\n[target.nchan]",
        "",
    ),
    ("[target.nchan]", "[[threshold]]\nmetric = \"age_p50_us\"\nexpect = \"within 5% of SSE\"\n[target.nchan]", ""),
];

#[test]
fn what_needs_feedlabs_own_server_is_rejected_for_the_whole_scenario() {
    check(TARGETS, OF_THE_SCENARIO);
    for kind in ["restart", "drain", "remove", "add"] {
        let fault = format!("[[fault]]\nkind = \"{kind}\"\nat = \"1s\"\n[clients]");
        let error = parse(&TARGETS.replace("[clients]", &fault)).unwrap_err();
        assert!(error.contains(&format!("9:8: {kind} needs feedlab's own server")), "{error}");
    }
}

/// Changes to the tables of the targets, which start at lines 23 and 28.
const OF_TARGETS: &[(&str, &str, &str)] = &[
    (
        "[target.ours-2]",
        "[target.ours_2]",
        "28:9: \"ours_2\" cannot name a target; use 1 to 32 letters, digits and `-`",
    ),
    (
        "command =",
        "commands =",
        "24:1: unknown key `commands`; did you mean `command`? allowed here: command, url, ready, \
      remote, publish, stamp, short-polling, long-polling, sse, websocket",
    ),
    (
        "command = \"start nchan --port $PORT\"",
        "command = \" \"",
        "24:11: the command is empty; write one, or remove `command` if the server is running already",
    ),
    ("--port", "\\u001b", "24:11: `command` has an invisible character; remove U+001B"),
    (
        "command = \"start nchan --port $PORT\"",
        "",
        "23:9: nothing says where the server is; add `url = \"http://127.0.0.1:8080\"`, or a `command` that starts it on \
         $PORT",
    ),
    (
        "http://127.0.0.1:9000/app/",
        "https://127.0.0.1:9000",
        "29:7: a target is measured without TLS; give the address of the server itself, as in \"http://127.0.0.1:8080\"",
    ),
    (
        "http://127.0.0.1:9000/app/",
        "127.0.0.1:9000",
        "29:7: this is not the URL of a server; write it as \"http://127.0.0.1:8080\"",
    ),
    (":9000", ":$PORT", "29:7: $PORT is the port of a server that the run starts; add `command`, or write the port"),
    (
        "127.0.0.1:9000",
        "example.org",
        "29:7: example.org is another machine, and a measurement puts it under load; if it is yours, add `remote = true`",
    ),
    (
        "[target.ours-2]",
        "[target.ours-2]\nremote = true",
        "29:10: `remote` allows a server on another machine, and this one is here; remove it",
    ),
    (
        "[target.nchan]",
        "[target.nchan]\nremote = true",
        "24:10: `remote` allows a server on another machine, and this one is here; remove it",
    ),
    (
        "/sse?x=1",
        "sse",
        "25:7: `sse` is not a path; start it with a slash, without spaces or `#`, at most 2048 bytes, as in \"/feed\"",
    ),
    (
        "path = \"/poll\"",
        "path = \"/poll#1\"",
        "31:26: `path` is not a path; start it with a slash, without spaces or `#`, at most 2048 bytes, as in \"/feed\"",
    ),
    (
        "[target.nchan]",
        "[target.nchan]\nready = \"/is ready\"",
        "24:9: `ready` is not a path; start it with a slash, without spaces or `#`, at most 2048 bytes, as in \"/feed\"",
    ),
    ("sse = \"/sse?x=1\"", "", "23:9: the target has no endpoint; add one, as in `sse = \"/sse\"`"),
    ("sse = \"/sse?x=1\"", "sse = 7", "25:7: invalid type: integer `7`, expected a text in quotes, or a table"),
    (
        "publish = { path = \"/pub\" }",
        "",
        "23:9: without `publish` the server publishes a feed of its own; add a `stamp` that finds its updates, as in \
         `stamp = { seq = \"/id\", at = \"/ts\" }`, or `publish`",
    ),
];

#[test]
fn a_target_that_cannot_be_measured_is_rejected_at_its_place() {
    check(TARGETS, OF_TARGETS);
    let long = parse(&TARGETS.replace("start nchan --port $PORT", &"x".repeat(4097))).unwrap_err();
    let expected = "24:11: `command` has 4097 bytes, and at most 4096 are possible; put it into a script";
    assert_eq!(long, format!("lab/ticker.toml:{expected}"));
    let many: String = (1..=17).map(|n| format!("[target.t{n}]\nurl = \"http://[::1]\"\nsse = \"/\"\n")).collect();
    let error = parse(&format!("{GOOD}{many}")).unwrap_err();
    assert!(error.ends_with("a scenario has at most 16 targets; remove this one"), "{error}");
}

/// Changes to the publication of `nchan`, at line 26.
const OF_PUBLICATIONS: &[(&str, &str, &str)] = &[
    (
        "path = \"/pub\"",
        "path = \"pub\"",
        "26:20: `path` is not a path; start it with a slash, without spaces or `#`, at most 2048 bytes, as in \"/feed\"",
    ),
    (
        "path = \"/pub\"",
        "path = \"/pub?text=$UPDATE\"",
        "26:20: $UPDATE is inserted only into the body of a publication; move it to `body`",
    ),
    (
        "path = \"/pub\"",
        "method = \"GET\", path = \"/pub\"",
        "26:22: unknown value `GET`; allowed here: POST, PUT, PATCH",
    ),
    (
        "path = \"/pub\"",
        "path = \"/pub\", headers = { \"content type\" = \"a\" }",
        "26:40: \"content type\" is not a header field; use letters, digits and `-`",
    ),
    ("path = \"/pub\"", "path = \"/pub\", headers = { Host = \"a\" }", "26:40: feedlab itself sends `Host`; remove it"),
    (
        "path = \"/pub\"",
        "path = \"/pub\", headers = { x = \"a\\nb\" }",
        "26:44: a header field has ASCII characters on one line; encode or remove the others",
    ),
    (
        "path = \"/pub\"",
        "path = \"/pub\", body = \"$SEQ $AT\"",
        "26:35: the text that is looked for is not published; insert $UPDATE, or say with `stamp` what to look for",
    ),
    (
        "publish = { path = \"/pub\" }",
        "publish = { path = \"/pub\", body = \"x\" }\nstamp = { seq = \"/id\", at = \"/ts\" }",
        "26:35: every publication would be the same; insert $UPDATE, or $SEQ and $AT",
    ),
    (
        "publish = { path = \"/pub\" }",
        "publish = { path = \"/pub\", body = \"$SEQ $AT\" }\nstamp = { seq = \"/id\", at = \"/ts\" }",
        "",
    ),
];

#[test]
fn a_publication_that_cannot_be_sent_or_found_is_rejected() {
    check(TARGETS, OF_PUBLICATIONS);
    let with =
        |more: &str| parse(&TARGETS.replace("path = \"/pub\"", &format!("path = \"/pub\", {more}"))).unwrap_err();
    let body = with(&format!("body = \"$UPDATE{}\"", "x".repeat(16 << 10)));
    assert!(body.contains("26:35: `body` has 16391 bytes, and at most 16384 are possible"), "{body}");
    let fields: Vec<String> = (0..17).map(|n| format!("x-{n} = \"a\"")).collect();
    let fields = with(&format!("headers = {{ {} }}", fields.join(", ")));
    assert!(fields.ends_with("a publication has at most 16 header fields; remove this one"), "{fields}");
}

/// Changes to how updates of `ours-2` are found and its clients continue, at lines 30 and 31.
const OF_RECIPES: &[(&str, &str, &str)] = &[
    (
        "seq = \"/id\", at",
        "seq = \"id\", at",
        "30:17: \"id\" is not a JSON pointer (RFC 6901); start it with a slash, as in \"/id\" or \"/data/id\"",
    ),
    (
        "at = \"/ts\"",
        "at = \"ts\"",
        "30:29: \"ts\" is not a JSON pointer (RFC 6901); start it with a slash, as in \"/id\" or \"/data/id\"",
    ),
    (
        "seq = \"/id\", at",
        "at",
        "30:9: an update has a number and a time; add both `seq` and `at`, as in `{ seq = \"/id\", at = \"/ts\" }`, or a \
         `pattern`",
    ),
    ("at = \"/ts\"", "pattern = \"x\"", "30:34: a pattern finds both `seq` and `at`; remove those, or the pattern"),
    (
        "seq = \"/id\", at = \"/ts\"",
        "pattern = \"(?<seq>\\\\d+\"",
        "30:21: this is not a regular expression: unclosed group; correct it, or look for JSON fields with `seq` and `at` \
         instead",
    ),
    (
        "seq = \"/id\", at = \"/ts\"",
        "pattern = '(?<seq>\\d+)'",
        "30:21: the pattern has no group `at`; add it, as in \"seq=(?<seq>\\\\d+) at=(?<at>\\\\d+)\"",
    ),
    ("\"ms\"", "\"min\"", "30:43: unknown value `min`; allowed here: us, ms, s"),
    (
        "pointer = \"/next\"",
        "pointer = \"next\"",
        "31:73: this is not a JSON pointer (RFC 6901); start it with a slash, as in \"/next\"",
    ),
    (
        "pointer = \"/next\"",
        "pointer = \"/next\", from = \"seq\"",
        "31:54: a cursor has its value from one place; give one of `header`, `pointer` and `from = \"seq\"`",
    ),
    (
        "\"after\"",
        "\"a b\"",
        "31:54: this is not the name of a query parameter; use 1 to 64 letters, digits, `-`, `.`, `_` and `~`",
    ),
    (
        "{ query = \"after\", pointer = \"/next\" }",
        "\"tag\"",
        "31:44: unknown value `tag`; did you mean `etag`? allowed here: none, etag",
    ),
    (
        "sse = \"/sse?x=1\"",
        "sse = { path = \"/sse\", cursor = \"etag\" }",
        "25:33: a stream has no `ETag` that its client could send back; use `cursor = { query = …, pointer = … }`, or \
         remove it",
    ),
    (
        "sse = \"/sse?x=1\"",
        "sse = { path = \"/sse\", cursor = { query = \"a\", header = \"b\" } }",
        "25:57: a stream has one response, whose head has no cursor; use `cursor = { query = …, pointer = … }`, or remove \
         it",
    ),
];

#[test]
fn a_recipe_that_cannot_work_is_rejected_at_its_place() {
    check(TARGETS, OF_RECIPES);
}

#[test]
fn a_targets_file_has_a_single_target() {
    let file = Path::new("my-server.toml");
    let one =
        "schema = 1\n[target.mine]\nurl = \"http://localhost:9000\"\nsse = \"/sse\"\npublish = { path = \"/\" }\n";
    assert_eq!(Target::parse(one, file).unwrap().name, "mine");
    let error = |text: &str| Target::parse(text, file).unwrap_err().to_string();
    assert_eq!(Target::parse(&one.replace("schema = 1\n", ""), file).unwrap().name, "mine");
    let other = "my-server.toml:1:10: `schema` is 2, but this version of feedlab reads 1; write `schema = 1`";
    assert_eq!(error(&one.replace("schema = 1", "schema = 2")), other);
    assert_eq!(error("schema = 1"), "my-server.toml:1:1: there is no target; add a [target.NAME]");
    let two = format!("{one}[target.other]\nurl = \"http://localhost:9001\"\nsse = \"/sse\"\n");
    let only_one = "my-server.toml:6:9: a target's file has a single target; move this one to a file of its own";
    assert_eq!(error(&two), only_one);
    let more = error(&format!("{one}[feed]\nsource = \"host\"\n"));
    assert!(more.starts_with("my-server.toml:6:2: unknown key `feed`; allowed here: schema, target"), "{more}");
    assert!(error(&one.replace("/sse", "sse")).starts_with("my-server.toml:4:7: `sse` is not a path"));
    let absent = Target::load(Path::new("nowhere.toml")).unwrap_err();
    assert!(matches!(absent, ScenarioError::ReadTarget { .. }));
    assert!(absent.to_string().starts_with("cannot read the target nowhere.toml: "), "{absent}");
}
