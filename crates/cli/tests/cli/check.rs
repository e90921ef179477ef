//! `feedlab check` as users see it: its list, its errors, its formats and exit statuses. What each case finds is tested in
//! the crate.

use super::{ends_with, err, error_line, feedlab, listening, out};

/// A server that lets anybody publish.
const SERVER: [&str; 6] = ["serve", "--listen", "127.0.0.1:0", "--feed", "none", "--allow-publish"];

fn baseline(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("known.txt");
    std::fs::write(&path, text).expect("a file");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path)
}

#[test]
fn the_list_needs_no_server_and_has_each_rule() {
    let text = out(&ends_with(0, &mut feedlab(&["check", "--list", "--stage", "1", "--profile", "poll"])));
    assert!(text.starts_with("Stage 1: ") && !text.contains("Stage 2"), "{text}");
    assert!(text.contains("\n  poll-answers") && text.contains("https://www.rfc-editor.org/rfc/"), "{text}");

    let json = out(&ends_with(0, &mut feedlab(&["check", "--list", "--format", "json"])));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["stages"].as_array().map(Vec::len), Some(10));
    assert!(json["stages"][0]["cases"][0]["rule"].is_string());
}

#[test]
fn bad_input_is_one_line_with_the_remedy() {
    let (_folder, wrong) = baseline("two words\n");
    for (arguments, needle) in [
        (&["127.0.0.1:9/events"][..], "has no scheme: write it as http://HOST:PORT/PATH"),
        (&["ftp://127.0.0.1:9/"], "starts with http://"),
        (&["http://127.0.0.1:9", "--stage", "99"], "the stages are 1 to 10"),
        (&["http://127.0.0.1:9", "--case", "poll-answer"], "there is no case `poll-answer`"),
        (&["http://127.0.0.1:9", "--publish", "messages"], "'POST /PATH"),
        (&["http://127.0.0.1:9", "--header", "s3cret"], "'Name: value'"),
        (
            &["http://127.0.0.1:9", "--publish", "POST / $UPDATE", "--publish-header", "s3cret"],
            "write --publish-header as",
        ),
        (&["http://127.0.0.1:9", "--bearer-env", "s3cret"], "export it first"),
        (&["http://127.0.0.1:9", "--insecure"], "require an https:// or wss:// URL"),
        (&["http://127.0.0.1:9", "--expect-failures", "no-such-file"], "cannot read no-such-file"),
        (&["http://127.0.0.1:9", "--expect-failures", &wrong], "line 1: write one case name per line"),
        (&["--list", "--format", "junit"], "--list has no verdicts"),
    ] {
        let output = ends_with(2, feedlab(&["check"]).args(arguments));
        let line = error_line(&output);
        assert!(line.contains(needle) && !line.contains("s3cret"), "{arguments:?}: {line}");
        assert_eq!(out(&output), "", "{arguments:?}");
    }
    assert!(err(&ends_with(2, &mut feedlab(&["check"]))).contains("<URL>"));
}

#[test]
fn a_server_that_is_not_there_is_a_failure_with_the_remedy() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let output = ends_with(1, &mut feedlab(&["check", &format!("http://127.0.0.1:{port}")]));
    assert!(error_line(&output).contains("nothing listens at"), "{}", err(&output));
}

#[test]
fn a_stage_of_our_own_server_passes_in_every_format() {
    let server = listening(&SERVER);
    let url = format!("http://{}", server.address());
    let check = |format: &str| out(&ends_with(0, &mut feedlab(&["check", &url, "--stage", "1", "--format", format])));

    let text = check("text");
    assert!(text.starts_with(&format!("{url}/\n  judged as a feedlab server (--profile feedlab): ")), "{text}");
    assert!(text.contains("\nStage 1: ") && text.contains("  pass       poll-answers"), "{text}");
    assert!(text.contains(" passed, 0 failed") && text.contains("\nNext:\n"), "{text}");

    let json: serde_json::Value = serde_json::from_str(&check("json")).expect("JSON");
    assert_eq!((&json["profile"], &json["interrupted"]), (&"feedlab".into(), &false.into()));
    assert_eq!(json["stages"][0]["cases"][0]["verdict"]["verdict"], "passed");

    let junit = check("junit");
    assert!(
        junit.starts_with("<?xml") && junit.contains("name=\"poll-answers\"") && !junit.contains("<failure"),
        "{junit}"
    );
}

#[test]
fn a_stale_entry_of_a_baseline_fails() {
    let server = listening(&SERVER);
    let url = format!("http://{}", server.address());
    let (_folder, file) = baseline("# known\npoll-answers # it passes\nno-such-case\nsse-content-type\n");
    let output = ends_with(3, &mut feedlab(&["check", &url, "--case", "poll-answers", "--expect-failures", &file]));
    let errors: Vec<String> = err(&output).lines().map(str::to_owned).collect();
    assert_eq!(
        errors,
        [
            format!("error: {file}: line 2: poll-answers passes now: remove the line"),
            format!("error: {file}: line 3: no-such-case is not a case of the contract: remove the line"),
        ]
    );
}

#[test]
fn a_failure_is_shown_and_a_known_one_is_not() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/poll", listener.local_addr().expect("an address"));
    // It answers everything with HTML; the thread ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nnews";
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    let arguments = ["check", &url, "--profile", "feedlab", "--case", "poll-answers"];
    let text = out(&ends_with(3, &mut feedlab(&arguments)));
    assert!(text.contains("  FAIL       poll-answers") && text.contains("HTTP/1.1 200 OK ⏎ news ─┤"), "{text}");
    assert!(
        text.contains("\n    Content-Type: text/html\\r\\n\n") && text.contains("start with: poll-answers"),
        "{text}"
    );

    let (_folder, file) = baseline("poll-answers\n");
    let text = out(&ends_with(0, feedlab(&arguments).args(["--expect-failures", &file])));
    assert!(text.contains("  expected   poll-answers") && text.contains("1 failed as expected"), "{text}");
}
