//! `feedlab workshop check --url`: a learner's own server, stage by stage.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::{ends_with, err, error_line, feedlab, listening, out};

/// Returns the address of a server that answers everything as an untouched starter does.
fn untouched() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 10\r\nConnection: close\r\n\r\nYour turn\n",
            );
        }
    });
    format!("http://{address}")
}

#[test]
fn an_untouched_starter_fails_stage_1_and_no_other_is_tried() {
    let url = untouched();
    let output = ends_with(1, &mut feedlab(&["workshop", "check", "--url", &url]));
    let text = out(&output);
    assert!(text.trim_start().starts_with("Stage 1: ") && !text.contains("Stage 2: "), "{text}");
    assert!(text.contains("  FAIL") && text.contains("501") && text.contains("  fix "), "{text}");
    let again = format!("\noutcome: it does not pass yet\n\n  again  feedlab workshop check --url {url} --stage 1\n");
    assert!(text.ends_with(&again), "{text}");
    assert_eq!(err(&output), "", "without a terminal nobody is asked for a prediction");
}

#[test]
fn a_stage_that_passes_names_the_next() {
    let server = listening(&["serve", "--feed", "synthetic", "--rate", "1", "--allow-publish"]);
    let url = format!("http://{}", server.address());
    let text = out(&ends_with(0, &mut feedlab(&["workshop", "check", "--url", &url, "--stage", "2"])));
    assert!(text.contains("\noutcome: it passes\n\nNext: stage 3, ") && !text.contains("FAIL"), "{text}");
    assert!(text.ends_with(&format!("\n  check  feedlab workshop check --url {url} --stage 3\n")), "{text}");
}

#[test]
fn bad_input_and_an_absent_server_are_one_line_with_the_remedy() {
    for (arguments, needle) in [
        (&["--url", "127.0.0.1:8070"][..], "as in http://127.0.0.1:8070"),
        (&["--url", "http://user:s3cret@127.0.0.1"], "as in http://127.0.0.1:8070"),
        (&["--url", "http://127.0.0.1:9", "--stage", "99"], "there is no stage 99: they are 1 to 10"),
    ] {
        let line = error_line(&ends_with(2, feedlab(&["workshop", "check"]).args(arguments)));
        assert!(line.contains(needle) && !line.contains("s3cret"), "{arguments:?}: {line}");
    }
    for wrong in [&["keepalive", "--url", "http://127.0.0.1:9"][..], &["--stage", "1"]] {
        ends_with(2, feedlab(&["workshop", "check"]).args(wrong));
    }
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let output = ends_with(1, &mut feedlab(&["workshop", "check", "--url", &format!("http://{free}")]));
    assert!(error_line(&output).contains("nothing listens at"), "{}", err(&output));
}
