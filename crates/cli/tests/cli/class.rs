//! `feedlab workshop` in a room: what it prints to join and to lead, and laptops that send their votes to the class.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use feedlab_testkit::{Feedlab, http};
use serde_json::{Value, json};

use super::{ends_with, error_line, feedlab};

/// Starts a workshop in a folder.
fn workshop(folder: &Path, arguments: &[&str]) -> Feedlab {
    let all = [&["workshop", "--exit-with-stdin"], arguments].concat();
    let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), &all);
    command.current_dir(folder);
    Feedlab::start(command)
}

fn post(address: SocketAddr, path: &str, fields: &str, body: &Value) -> http::Answer {
    let fields = format!("{fields}Content-Type: application/json\r\n");
    http::ask(address, "POST", path, &fields, &body.to_string())
}

/// Votes as a page does; the same number is the same person on the same device.
fn vote(address: SocketAddr, number: usize) {
    let vote = json!({
        "question": "poll-median", "round": "before", "who": "Ada", "answer": "c",
        "device": format!("device-{number}"), "id": format!("vote-{number}"),
    });
    let answer = post(address, "/workshop/votes", "", &vote);
    assert_eq!(answer.status, 201, "{}", answer.body);
}

/// Waits until a class has this number of predictions.
fn until_counted(address: SocketAddr, count: u64) {
    for _ in 0..600 {
        let results = http::get(address, "/workshop/votes/poll-median?show=all&answer=hidden").json();
        if results["before"] == count {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!(
        "the class never has {count} predictions: {}",
        http::get(address, "/workshop/votes/poll-median?show=all").body
    );
}

#[test]
fn w3_votes_of_a_laptop_reach_the_class_also_later_and_never_twice() {
    let [teacher, laptop] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let class = workshop(teacher.path(), &[]);
    let address = class.address();
    vote(address, 0);
    drop(class);
    // The class's server is out of reach when these votes are cast.
    let url = format!("http://{address}/join");
    let own = workshop(laptop.path(), &["--class", &url]);
    for number in 1..=30 {
        vote(own.address(), number);
    }
    let class = workshop(teacher.path(), &["--listen", &address.to_string()]);
    until_counted(address, 31);
    // A laptop that restarts sends everything again, and the class counts nothing twice.
    drop(own);
    let own = workshop(laptop.path(), &["--class", &url]);
    vote(own.address(), 31);
    until_counted(address, 32);
    let file = std::fs::read_to_string(teacher.path().join("feedlab-class.ndjson")).expect("the file of votes");
    assert_eq!(file.lines().count(), 32);
    assert!(file.contains("\"Ada (31)\""), "W5: each of them is another Ada");
    drop(class);
}

#[test]
fn w3_the_token_of_the_printed_address_leads_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let class = workshop(folder.path(), &["--listen", "127.0.0.2:0"]);
    let address = class.address();
    assert_eq!(class.ready()["join"], json!([format!("http://{address}/join")]));
    assert!(http::get(address, "/join").body.contains("Your name"));
    let instructor = class.ready()["instructor"].as_str().expect("an address").to_owned();
    let (page, token) = instructor.split_once("#token=").expect("the token is in the fragment");
    assert_eq!(page, format!("http://{address}/workshop/class"));
    let step = json!({ "step": "vote", "question": "poll-median" });
    let led = post(address, "/workshop/class/lead", &format!("Authorization: Bearer {token}\r\n"), &step);
    assert_eq!((led.status, &led.json()["step"]), (200, &json!("vote")), "{}", led.body);
    assert_eq!(post(address, "/workshop/class/lead", "", &step).status, 401);
    drop(class);
    let class = workshop(folder.path(), &["--listen", &address.to_string()]);
    assert_eq!(class.ready()["instructor"], instructor);
    assert_eq!(http::get(address, "/workshop/class/state").json()["step"], "vote");
}

#[test]
fn w3_an_address_that_is_no_class_is_rejected_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["workshop", "--listen", "127.0.0.1:0", "--class", "https://teacher:8080"];
    let line = error_line(&ends_with(2, feedlab(&arguments).current_dir(folder.path())));
    assert!(line.contains("--class") && line.contains("http://"), "{line}");
}
