//! Servers that are not feedlab, right and wrong.

use std::sync::{Arc, Mutex};

use tokio::sync::broadcast;

use super::*;

/// A server of an event stream: what is posted is sent to all listeners. `wrap` makes the event.
async fn stream(wrap: fn(usize, &str) -> String) -> String {
    let (sender, _) = broadcast::channel::<String>(64);
    let count = Arc::new(Mutex::new(0));
    wrong(move |head, mut socket| {
        let (sender, count) = (sender.clone(), Arc::clone(&count));
        async move {
            if head.starts_with("POST") {
                let text = posted(&head, &mut socket).await;
                let id = {
                    let mut count = count.lock().unwrap();
                    *count += 1;
                    *count
                };
                _ = sender.send(wrap(id, &text));
                _ = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                return;
            }
            let mut events = sender.subscribe();
            _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
            while let Ok(event) = events.recv().await {
                _ = socket.write_all(event.as_bytes()).await;
            }
        }
    })
    .await
}

async fn posted(head: &str, socket: &mut TcpStream) -> String {
    let (fields, begun) = head.split_once("\r\n\r\n").unwrap();
    let length = fields.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
    let mut body = begun.as_bytes().to_vec();
    while body.len() < length {
        socket.read_buf(&mut body).await.unwrap();
    }
    String::from_utf8(body).unwrap()
}

const STREAM: &str = r#"
    { step = "request", to = "sse", as = "s" },
    { step = "expect-status", of = "s", is = [200] },
    { step = "publish", as = ["a"] },
    { step = "expect-updates", of = "s", are = ["a"], within = "1s", quiet = "100ms" },
    { step = "expect-ids", of = "s" }
"#;

fn streaming(url: &str) -> Options {
    let publish = Some(Publisher::request("POST /send {\"text\":\"$UPDATE\"}").unwrap());
    let cases = case("stream", "\"sse\"", "needs = [\"publish\"]", STREAM)
        + &case("resume", "\"sse\"", "needs = [\"publish\", \"history\"]", STREAM);
    Options { publish, timeout: Duration::from_millis(500), ..options(url, &cases) }
}

#[tokio::test]
async fn an_event_stream_is_found_and_passes() {
    let url = stream(|id, text| format!("id: {id}\ndata: {text}\n\n")).await;
    let report = judge(streaming(&url)).await;
    assert!(matches!(report.cases().next().unwrap().verdict, Verdict::Passed), "{report:#?}");
    assert_eq!((report.profile, report.publisher.as_deref()), (Profile::Sse, Some("POST /send")));
    let reason = reason(&report, "resume");
    assert!(reason.contains("no update is replayed") && reason.contains("no update b"), "{reason}");
}

#[tokio::test]
async fn an_update_that_comes_twice_fails() {
    let url = stream(|id, text| format!("id: {id}\ndata: {text}\n\n").repeat(2)).await;
    let failed = failure(&judge(streaming(&url)).await, "stream");
    assert_eq!(failed.expected, "update a exactly once");
    assert!(
        failed.came.starts_with("a twice: ") && failed.came.ends_with(" ms after it was published"),
        "{}",
        failed.came
    );
}

#[tokio::test]
async fn an_event_without_an_id_fails_the_last_step_and_resuming_is_not_tried() {
    let url = stream(|_, text| format!("data: {text}\n\n")).await;
    let report = judge(streaming(&url)).await;
    let failed = failure(&report, "stream");
    assert_eq!((failed.step, &*failed.came), (5, "the event with update a has no id in its own block"));
    assert!(reason(&report, "resume").contains("no event has an id"));
}

#[tokio::test]
async fn an_update_that_is_lost_fails_in_time() {
    let url = stream(|id, _| format!("id: {id}\ndata: something else\n\n")).await;
    let failed = failure(&judge(streaming(&url)).await, "stream");
    assert_eq!(failed.came, "no update a within 1s");
}

#[tokio::test]
async fn a_poll_is_read_through_its_mapping() {
    let kept = Arc::new(Mutex::new(Vec::<String>::new()));
    let url = wrong(move |head, mut socket| {
        let kept = Arc::clone(&kept);
        async move {
            if head.starts_with("POST") {
                let text = posted(&head, &mut socket).await;
                kept.lock().unwrap().push(text);
            }
            let since: usize = head
                .split_once("since=")
                .map_or(0, |(_, rest)| rest.split([' ', '&']).next().unwrap().parse().unwrap());
            let body = {
                let kept = kept.lock().unwrap();
                let items: Vec<_> = kept.iter().skip(since).map(|text| serde_json::json!({ "text": text })).collect();
                serde_json::json!({ "room": { "items": items }, "position": kept.len() }).to_string()
            };
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            _ = socket.write_all((head + &body).as_bytes()).await;
        }
    })
    .await;
    let steps = r#"
        { step = "request", to = "poll", as = "start" },
        { step = "keep", of = "start", what = "cursor", as = "cursor" },
        { step = "publish", as = ["a", "b"] },
        { step = "request", to = "poll", as = "next", after = "$cursor" },
        { step = "expect-updates", of = "next", are = ["a", "b"] }
    "#;
    let cases = case("poll", "\"poll\"", "needs = [\"publish\", \"history\"]", steps);
    let mapping = Mapping {
        items: Some("/room/items".into()),
        cursor: Some("/position".into()),
        after: Some("since=$CURSOR".into()),
    };
    let publish = Some(Publisher::request("POST /updates $UPDATE").unwrap());
    let report = judge(Options { mapping, publish: publish.clone(), ..options(&url, &cases) }).await;
    all_passed(&report);
    assert_eq!(report.profile, Profile::Poll);

    let mapping = Mapping { items: Some("/items".into()), ..Mapping::default() };
    let wrong = Options { mapping, publish, ..options(&url, &cases) };
    let error = check(wrong, &mut Silent::default(), &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(&error, CheckError::BadInput(what) if what.contains("no list at /items")), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_judged_is_one_line_with_the_remedy() {
    let error = async |url: &str, change: fn(&mut Options)| {
        let mut options =
            options(url, &case("a", "\"feedlab\"", "needs = [\"publish\"]", r#"{ step = "publish", as = ["a"] }"#));
        change(&mut options);
        let error = check(options, &mut Silent::default(), &CancellationToken::new()).await.unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        error
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(error(&closed, |_| ()).await.contains("nothing listens at"));
    assert!(error("ftp://h/x", |_| ()).await.contains("http://HOST:PORT/PATH"));
    assert!(error(&closed, |options| options.stages = vec![7]).await.contains("no stage 7"));
    assert!(error(&closed, |options| options.cases = vec!["x".into()]).await.contains("no case `x`"));
    let page = wrong(async |_, mut socket| {
        _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi").await;
    })
    .await;
    assert!(error(&page, |_| ()).await.contains("status 200 with text/html"));
    let command = |options: &mut Options| {
        options.profile = Some(Profile::Feedlab);
        options.publish = Some(Publisher::command("echo no >&2; exit 1"));
    };
    assert!(error(&page, command).await.contains("--publish-command ended with exit status: 1 (no)"));
}

#[tokio::test]
async fn a_server_that_is_no_http_and_one_that_never_answers_end_in_a_failure() {
    let steps = r#"{ step = "request", to = "sse", as = "s" }, { step = "expect-status", of = "s", is = [200], within = "300ms" }"#;
    let judged = async |url: &str| {
        let cases = case("a", "\"sse\"", "", steps);
        failure(&judge(Options { profile: Some(Profile::Sse), ..options(url, &cases) }).await, "a").came
    };
    let noise = wrong(async |_, mut socket| _ = socket.write_all(b"\x00\x01nonsense\r\n\r\n").await).await;
    assert!(judged(&noise).await.starts_with("no HTTP response"));
    let silent = wrong(async |_, socket| {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(socket);
    })
    .await;
    assert_eq!(judged(&silent).await, "no response within 300ms");
    let shut = wrong(async |_, socket| drop(socket)).await;
    assert!(judged(&shut).await.contains("the server closed the connection"));
}

#[tokio::test]
async fn our_server_passes_as_any_other() {
    let server = ours(true).await;
    let publish = format!("POST {}/feed {{\"data\":\"$UPDATE\"}}", server.url);
    let publish = Some(Publisher::request(&publish).unwrap());
    let timeout = Duration::from_secs(2);

    let cases = case("resume", "\"sse\"", "needs = [\"publish\", \"history\"]", STREAM);
    let stream = options(&format!("{}/feed/sse", server.url), &cases);
    let report = judge(Options { profile: Some(Profile::Sse), publish: publish.clone(), timeout, ..stream }).await;
    all_passed(&report);

    let steps = r#"
        { step = "upgrade", as = "s" },
        { step = "expect-status", of = "s", is = [101] },
        { step = "publish", as = ["a"] },
        { step = "expect-updates", of = "s", are = ["a"] },
        { step = "expect-data", of = "s", update = "a", is = "$a" },
        { step = "keep", of = "s", what = "cursor", as = "cursor" },
        { step = "publish", as = ["b"] },
        { step = "upgrade", as = "t", after = "$cursor" },
        { step = "expect-updates", of = "t", are = ["b"] }
    "#;
    let cases = case("socket", "\"websocket\"", "needs = [\"publish\", \"history\"]", steps);
    let socket = options(&format!("{}/feed/ws", server.url.replace("http", "ws")), &cases);
    let mapping = Mapping { items: None, cursor: Some("/seq".into()), after: Some("after=$CURSOR".into()) };
    let report = judge(Options { profile: Some(Profile::Websocket), publish, mapping, timeout, ..socket }).await;
    all_passed(&report);
}

#[tokio::test]
async fn a_server_that_sends_without_end_fails_the_step_and_its_trace_is_short() {
    let url = wrong(async |_, mut socket| {
        _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
        while socket.write_all(&[b'x'; 64 << 10]).await.is_ok() {}
    })
    .await;
    let steps = r#"{ step = "request", to = "sse", as = "s" }, { step = "expect-events", of = "s", at-least = 1, within = "1m" }"#;
    let cases = case("a", "\"sse\"", "", steps);
    let failed = failure(&judge(Options { profile: Some(Profile::Sse), ..options(&url, &cases) }).await, "a");
    assert_eq!(failed.came, "none; the server sent more than 8 MiB");
    let text = format!("{:?}", failed.trace);
    assert!(failed.trace.entries.len() <= 200 && text.len() < 1 << 20, "{} entries", failed.trace.entries.len());
}

#[tokio::test]
async fn many_connections_together_receive_no_more_than_a_case_may() {
    let url = wrong(async |_, mut socket| {
        _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
        while socket.write_all(&[b'x'; 64 << 10]).await.is_ok() {}
    })
    .await;
    let steps = r#"{ step = "request", to = "sse", as = "s", count = 40 }, { step = "wait", for = "1m" }"#;
    let cases = case("a", "\"sse\"", "", steps);
    let failed = failure(&judge(Options { profile: Some(Profile::Sse), ..options(&url, &cases) }).await, "a");
    assert_eq!(failed.came, "more than 128 MiB on the connections of the case");
}
