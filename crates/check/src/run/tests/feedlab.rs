//! Feedlab's own server.

use super::*;

const ALL_FOUR: &str = r#"
    { step = "request", to = "poll", as = "start" },
    { step = "expect-header", of = "start", name = "Content-Type", is = ["application/json"] },
    { step = "keep", of = "start", what = "cursor", as = "cursor" },
    { step = "keep", of = "start", what = "header ETag", as = "tag" },
    { step = "request", to = "poll", as = "same", headers = ["If-None-Match: $tag", "User-Agent"] },
    { step = "expect-status", of = "same", is = [304] },
    { step = "expect-body", of = "same", empty = true },
    { step = "request", to = "long-poll", as = "long", after = "$cursor", query = "hold=10s" },
    { step = "request", to = "sse", as = "stream", after = "$cursor" },
    { step = "upgrade", as = "socket", after = "$cursor" },
    { step = "expect-header", of = "socket", name = "Sec-WebSocket-Accept", is = ["$ACCEPT"] },
    { step = "expect-events", of = "socket", at-least = 1, type = "hello" },
    { step = "expect-pending", of = "long", for = "50ms" },
    { step = "publish", as = ["a"], data = "one\ntwo $TEXT" },
    { step = "expect-updates", of = "long", are = ["a"] },
    { step = "publish", as = ["b"], type = "tick" },
    { step = "request", to = "poll", as = "poll", after = "$cursor" },
    { step = "expect-updates", of = "poll", are = ["a", "b"] },
    { step = "expect-updates", of = "stream", are = ["a", "b"] },
    { step = "expect-updates", of = "socket", are = ["a", "b"] },
    { step = "expect-ids", of = "stream" },
    { step = "expect-data", of = "stream", update = "a", is = "one\ntwo $a" },
    { step = "expect-events", of = "stream", at-least = 1, type = "tick" },
    { step = "expect-events", of = "poll", at-least = 1, type = "tick" },
    { step = "expect-same-seq", of = ["poll", "stream", "socket"] },
    { step = "expect-bytes", of = "stream", contains = "retry: " },
    { step = "expect-open", of = "stream", for = "10ms" },
    { step = "expect-cost", of = "socket", overhead-at-most = 400, updates = 2 },
    { step = "keep", of = "socket", what = "cursor", as = "later" },
    { step = "publish", as = ["c"] },
    { step = "request", to = "sse", as = "again", after = "$later" },
    { step = "expect-updates", of = "again", are = ["c"] },
    { step = "expect-complete-or-reported", of = "again", are = ["c"] },
    { step = "request", to = "poll", as = "nonsense", query = "after=xyz" },
    { step = "expect-status", of = "nonsense", is = [400] },
    { step = "request", to = "poll", as = "lost", query = "after=0000.1" },
    { step = "expect-gap", of = "lost" }
"#;

const SOCKET: &str = r#"
    { step = "upgrade", as = "s", count = "$N" },
    { step = "send", on = "s", frame = "ping", payload = "are you there" },
    { step = "expect-frame", of = "s", frame = "pong", payload = "are you there" },
    { step = "send", on = "s", frame = "text", hex = "ff" },
    { step = "expect-close", of = "s", codes = [1007] },
    { step = "expect-end", of = "s", how = "clean" },
    { step = "upgrade", as = "t" },
    { step = "send", on = "t", frame = "text", payload = "x", masked = false },
    { step = "expect-close", of = "t", codes = [1002] }
"#;

const RAW: &str = r#"
    { step = "raw", to = "sse", as = "old", bytes = "GET $PATH HTTP/1.0\r\nHost: $HOST\r\n\r\n" },
    { step = "expect-header", of = "old", name = "content-type", is = ["text/event-stream"] },
    { step = "expect-header", of = "old", name = "transfer-encoding", absent = true },
    { step = "raw", to = "poll", as = "bad", bytes = "GET $PATH HTTP/1.1\r\n\r\n" },
    { step = "expect-status", of = "bad", is = [400] },
    { step = "request", to = "sse", as = "left" },
    { step = "expect-status", of = "left", is = [200] },
    { step = "pause", on = "left" },
    { step = "publish", as = ["m"], count = 20, length = 100 },
    { step = "resume", on = "left" },
    { step = "expect-updates", of = "left", are = ["m"] },
    { step = "close", on = "left", how = "half" },
    { step = "expect-end", of = "left", how = "any" }
"#;

#[tokio::test]
async fn our_server_passes() {
    let server = ours(true).await;
    let cases = case("four", "\"feedlab\"", "needs = [\"publish\", \"history\"]", ALL_FOUR)
        + &case("socket", "\"feedlab\"", "sizes = [1, 3]", SOCKET)
        + &case("raw", "\"feedlab\"", "needs = [\"publish\"]\nrequires = [\"four\"]", RAW);
    let report = judge(options(&format!("{}/feed/sse", server.url), &cases)).await;
    all_passed(&report);
    assert_eq!((report.profile, report.publisher.as_deref()), (Profile::Feedlab, Some("POST /feed")));
    assert_eq!(report.cases().count(), 3);
}

#[tokio::test]
async fn what_cannot_be_tried_has_a_reason() {
    let server = ours(false).await;
    let publishes = r#"{ step = "publish", as = ["a"] }"#;
    let wrong = r#"{ step = "request", to = "poll", as = "a" }, { step = "expect-status", of = "a", is = [500] }"#;
    let cases = case("publishes", "\"feedlab\"", "needs = [\"publish\"]", publishes)
        + &case("fails", "\"feedlab\"", "", wrong)
        + &case("later", "\"feedlab\"", "requires = [\"fails\"]", r#"{ step = "wait", for = "1ms" }"#)
        + &case("last", "\"feedlab\"", "requires = [\"later\"]", r#"{ step = "wait", for = "1ms" }"#)
        + &case("judged", "\"feedlab\"", "requires = [\"publishes\"]", r#"{ step = "wait", for = "1ms" }"#)
        + &case("restarts", "\"feedlab\"", "needs = [\"restart\"]", r#"{ step = "restart" }"#)
        + &case("other", "\"feedlab\"", "", r#"{ step = "wait", for = "1ms" }"#)
        + &case("stream", "\"sse\"", "", r#"{ step = "wait", for = "1ms" }"#);
    let mut options = options(&server.url, &cases);
    options.cases = ["publishes", "fails", "later", "last", "judged", "restarts"].map(str::to_owned).to_vec();
    let report = judge(options).await;
    assert!(reason(&report, "publishes").contains("--allow-publish"));
    assert_eq!(reason(&report, "later"), "needs fails, which did not pass");
    assert_eq!(reason(&report, "last"), "needs later, which did not pass");
    let judged = report.cases().find(|case| case.id == "judged").unwrap();
    assert!(matches!(judged.verdict, Verdict::Passed), "what was not tried for want of a publisher does not block");
    assert!(reason(&report, "restarts").contains("--restart-command"));
    assert_eq!(reason(&report, "other"), NOT_CHOSEN);
    assert_eq!(report.cases().count(), 7);
}

#[tokio::test]
async fn a_restart_is_waited_for() {
    let server = ours(false).await;
    let steps = r#"{ step = "restart" }, { step = "request", to = "poll", as = "p" }, { step = "expect-status", of = "p", is = [200] }"#;
    let cases = case("a", "\"feedlab\"", "needs = [\"restart\"]", steps);
    let restart = |command: &str| Options { restart_command: Some(command.to_owned()), ..options(&server.url, &cases) };
    all_passed(&judge(restart("sleep 0.01")).await);
    let error = check(restart("exit 3"), &mut Silent { cases: 0 }, &CancellationToken::new()).await.unwrap_err();
    let what = "the command of --restart-command ended with exit status: 3: try it by hand";
    assert_eq!(error, CheckError::BadInput(what.to_owned()), "it says nothing about the server");
}

#[tokio::test]
async fn an_interrupted_check_has_the_cases_so_far() {
    let server = ours(false).await;
    let cases = case("quick", "\"feedlab\"", "", r#"{ step = "wait", for = "1ms" }"#)
        + &case("slow", "\"feedlab\"", "", r#"{ step = "wait", for = "1h" }"#)
        + &case("never", "\"feedlab\"", "", r#"{ step = "wait", for = "1ms" }"#);
    let stop = CancellationToken::new();
    struct StopAfterOne<'a>(&'a CancellationToken);
    impl Progress for StopAfterOne<'_> {
        fn stage(&mut self, _: u8, _: &str, _: &str, _: usize) {}
        fn case(&mut self, _: &CaseResult) {
            self.0.cancel();
        }
        fn waiting(&mut self, _: &str, _: Duration) {}
    }
    let report = check(options(&server.url, &cases), &mut StopAfterOne(&stop), &stop).await.unwrap();
    assert!(report.interrupted && report.cases().count() == 1);
}

#[tokio::test]
async fn a_failure_shows_what_was_expected_and_what_came() {
    let server = ours(true).await;
    let steps = r#"
        { step = "request", to = "poll", as = "p" },
        { step = "keep", of = "p", what = "cursor", as = "cursor" },
        { step = "publish", as = ["a", "b"] },
        { step = "request", to = "poll", as = "q", after = "$cursor" },
        { step = "expect-updates", of = "q", are = ["b", "a"] },
        { step = "request", to = "sse", as = "never" }
    "#;
    let mut options = options(&server.url, &case("order", "\"feedlab\"", "needs = [\"publish\"]", steps));
    options.headers = vec![("Authorization".to_owned(), "Bearer s3cret".to_owned())];
    let failed = failure(&judge(options).await, "order");
    assert_eq!((&*failed.expected, &*failed.came), ("updates b and a, once each and in this order", "a before b"));
    assert_eq!((failed.step, &*failed.trace.exchanges), (5, &["p".to_owned(), "q".to_owned()][..]));
    assert!(matches!(&failed.trace.entries.last().unwrap().what, What::Expected(_)));
    let text = format!("{:?}", failed.trace);
    assert!(text.contains("Authorization: …") && !text.contains("s3cret"), "{text}");
    assert!(
        failed
            .trace
            .entries
            .iter()
            .any(|entry| matches!(&entry.what, What::Received(text) if text.starts_with("HTTP/1.1 200")))
    );
}
