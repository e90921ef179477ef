//! A class, rehearsed: one instructor and twenty learners with phones go through two questions, as in a room.
//!
//! Every learner is a browser context of its own, at a second address of this machine. In the middle, the server is
//! killed while the class votes, and starts again. The test prints what happens, step by step, and takes pictures of each
//! step if the environment variable `FEEDLAB_SCREENSHOTS` names a folder.

mod room;

use std::collections::BTreeSet;
use std::path::Path;

use feedlab_testkit::Feedlab;
use rustix::process::Signal;
use serde_json::Value;

use crate::in_browser;
use room::Room;

const LEARNERS: usize = 20;

/// A question of the chapters, as a room knows it.
struct Asked {
    id: &'static str,
    /// Words that only its answer contains.
    answer: &'static str,
    /// The recorded run of its scenario. Anyone can guess its address.
    recorded: &'static str,
    /// Whether that run answers no other question.
    is_last_of_its_run: bool,
    /// Whether the class measures. Otherwise the instructor reveals with the recorded run.
    is_measured: bool,
}

const QUESTIONS: [Asked; 2] = [
    Asked {
        id: "poll-median",
        answer: "uniform on",
        recorded: "how-old",
        is_last_of_its_run: false,
        is_measured: false,
    },
    Asked {
        id: "replay-ten",
        answer: "updates in the gap − history",
        recorded: "replay",
        is_last_of_its_run: true,
        is_measured: true,
    },
];

#[test]
fn w1_w3_w4_w5_a_class_of_twenty_goes_through_two_questions() {
    in_browser(async |browser| {
        // While the server is down, requests fail; and a learner asks for what is held back.
        browser.expect(&["ERR_CONNECTION_", "ERR_EMPTY_RESPONSE", "status of 403"]);
        let folder = tempfile::tempdir().unwrap();
        let server = workshop(folder.path(), "127.0.0.2:0");
        let address = server.address().to_string();
        let join = server.ready()["join"][0].as_str().unwrap().to_owned();
        assert_eq!(join, format!("http://{address}/join"), "W3: the printed address");
        let mut room = Room::open(browser, server.ready()["instructor"].as_str().unwrap()).await;
        room.note(&format!("the instructor's page leads, also after a reload; it shows {join}"));
        for number in 1..LEARNERS {
            room.join(&join, number).await;
        }
        room.until_joined(LEARNERS - 1).await;

        let [first, second] = &QUESTIONS;
        room.open_vote(first).await;
        room.join(&join, LEARNERS).await;
        room.note("one learner comes late, and is at the question");
        room.vote_first(first).await;
        room.discuss(first).await;
        room.again(first).await;
        room.vote(0..LEARNERS / 2).await;
        kill(server);
        room.note("half of the class votes again; the server is killed");
        room.vote(LEARNERS / 2..LEARNERS).await;
        room.until_kept(LEARNERS / 2..LEARNERS).await;
        let server = workshop(folder.path(), &address);
        room.until_voted(LEARNERS).await;
        room.note("the server is back: it is where the class was, and has the votes of those who voted without it too");
        room.reveal(first).await;

        room.signal().await;

        room.open_vote(second).await;
        room.vote_first(second).await;
        room.discuss(second).await;
        room.again(second).await;
        room.vote(0..LEARNERS).await;
        room.until_voted(LEARNERS).await;
        room.reveal(second).await;

        check_votes(&folder.path().join("class.ndjson"));
        room.note("the file of votes has 80 votes of 20 people, each once: 2 questions, 2 rounds");
        room.leave().await;
        drop(server);
    });
}

/// Starts a workshop with its files in a folder.
fn workshop(folder: &Path, listen: &str) -> Feedlab {
    let [votes, results] = ["class.ndjson", "results"].map(|name| folder.join(name));
    let places = ["--class", votes.to_str().unwrap(), "--out", results.to_str().unwrap()];
    let arguments = [&["workshop", "--exit-with-stdin", "--listen", listen][..], &places].concat();
    Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), &arguments)
}

/// Kills a server without a warning, as a power cut does.
fn kill(server: Feedlab) {
    server.signal(Signal::KILL);
    assert_eq!(server.close(), None, "it has no exit status");
}

/// Checks that every learner has one vote in each round of each question, and each vote is there once.
fn check_votes(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let votes: Vec<&Value> = lines.iter().filter(|line| line["who"].is_string()).collect();
    let field = |name: &'static str| votes.iter().map(move |vote| vote[name].as_str().unwrap());
    let names: BTreeSet<&str> = field("who").collect();
    assert!(names.len() == LEARNERS && names.contains("Ada (2)"), "W5: {names:?}");
    let ids = field("id").collect::<BTreeSet<&str>>().len();
    let ballots: BTreeSet<_> = field("who").zip(field("question")).zip(field("round")).collect();
    let all = 4 * LEARNERS;
    assert_eq!((votes.len(), ids, ballots.len()), (all, all, all), "W3: each vote counts, and once");
}
