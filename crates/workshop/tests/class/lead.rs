//! The flow that an instructor leads: who may see and do what in which step.

use serde_json::{Value, json};

use super::rig::Rig;

const SCENARIO: &str = "scenarios/workshop/how-old.toml";

/// A device's id.
fn device(number: usize) -> String {
    format!("device-{number:04}")
}

#[tokio::test]
async fn w1_the_answer_is_held_back_until_the_instructor_reveals_it() {
    let rig = Rig::new().await;
    rig.lead("vote", "seventh").await;
    assert_eq!(rig.vote_on(&device(1), "before", "Ada", json!("fails")).await.status, 201);
    let path = "/workshop/votes/seventh?who=Ada&device=device-0001&answer=open&show=all";
    for (step, has_votes, has_answer) in [
        ("vote", false, false),
        ("discuss", true, false),
        ("again", true, false),
        ("run", true, false),
        ("reveal", true, true),
    ] {
        rig.lead(step, "seventh").await;
        let seen = rig.get(path).await;
        let found = (seen.body.contains("<svg"), seen.body.contains("Six connections"));
        assert_eq!(found, (has_votes, has_answer), "{step}: {}", seen.body);
        let right = seen.body.contains("\"right\"") || seen.body.contains("✓");
        assert_eq!(right, has_answer, "{step}: {}", seen.body);
        let state = rig.hello(&device(1), "Ada").await;
        assert!(!state.to_string().contains("Six connections") && !state.to_string().contains("right"), "{state}");
        assert_eq!((&state["step"], &state["question"]["yours"]["before"]), (&json!(step), &json!("fails")));
    }
    let other = rig.get("/workshop/votes/late?who=Ada&device=device-0001&answer=open&show=all").await;
    assert!(other.json()["known"].is_null(), "{}", other.body);
}

#[tokio::test]
async fn w1_the_figures_of_a_run_are_held_back_too() {
    let rig = Rig::new().await;
    let newest = format!("/workshop/runs?scenario={SCENARIO}");
    assert!(rig.get(&newest).await.json()["newest"].is_object(), "nobody leads");
    let folder = rig.folder.path().join("results/20261121T120030Z-how-old");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("report.html"), "512 ms").unwrap();
    // Anyone who knows the software can guess these addresses.
    let guesses = [
        "/workshop/runs/recorded-how-old/report.html",
        "/workshop/runs/recorded-how-old/summary.json",
        "/workshop/runs/20261121T120030Z-how-old/report.html",
        "/workshop/source/docs/workshop/recorded/how-old/summary.json",
        "/workshop/source/docs/workshop/questions.toml",
    ];
    for (step, status) in [("run", 403), ("reveal", 200)] {
        rig.lead(step, "late").await;
        assert_eq!(rig.get(&newest).await.json()["newest"].is_object(), status == 200);
        for path in &guesses[..3] {
            assert_eq!(rig.get(path).await.status, status, "{step}: {path}");
            assert_eq!(rig.instruct("GET", path, "").await.status, 200, "the instructor looks ahead: {path}");
        }
        // The other question is not revealed yet, and the files have its answer too.
        for path in &guesses[3..] {
            assert_eq!(rig.get(path).await.status, 403, "{step}: {path}");
        }
    }
    assert_eq!(rig.get("/workshop/runs/recorded-distance/report.html").await.status, 200, "no question of this class");
    rig.lead("end", "").await;
    for path in guesses {
        assert_eq!(rig.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn w1_votes_count_in_their_round_only_and_a_late_learner_may_join_the_second() {
    let rig = Rig::new().await;
    rig.lead("join", "").await;
    let early = rig.vote_on(&device(1), "before", "Ada", json!("fails")).await;
    assert!(early.status == 409 && early.body.contains("closed"), "{}", early.body);
    rig.lead("vote", "seventh").await;
    assert_eq!(rig.vote_on(&device(1), "before", "Ada", json!("fails")).await.status, 201);
    rig.lead("discuss", "seventh").await;
    assert_eq!(rig.vote_on(&device(1), "after", "Ada", json!("waits")).await.status, 409);
    let state = rig.lead("again", "seventh").await;
    assert_eq!((&state["question"]["round"], &state["question"]["voted"]), (&json!("after"), &json!(0)));
    assert_eq!(rig.vote_on(&device(1), "after", "Ada", json!("waits")).await.status, 201);
    assert_eq!(rig.vote_on(&device(2), "after", "Bob", json!("waits")).await.status, 201, "Bob comes late");
    let state = rig.lead("run", "seventh").await;
    assert_eq!(state["question"]["voted"], 2);
    assert_eq!(rig.vote_on(&device(2), "after", "Bob", json!("fails")).await.status, 409);
    rig.lead("end", "").await;
    assert_eq!(rig.hello(&device(2), "Bob").await["led"], false);
}

#[tokio::test]
async fn w3_only_the_instructor_leads_and_measures() {
    let rig = Rig::new().await;
    let step = r#"{"step":"vote","question":"seventh"}"#;
    let refused = rig.post("/workshop/class/lead", step).await;
    assert!(refused.status == 401 && refused.body.contains("needs the instructor's token"), "{}", refused.body);
    let wrong = "Authorization: Bearer 0123\r\nContent-Type: application/json\r\n";
    let refused = rig.ask("POST", "/workshop/class/lead", wrong, step).await;
    assert!(refused.status == 401 && refused.body.contains("not the instructor's token"), "{}", refused.body);
    for (body, status) in [
        (r#"{"step":"vote"}"#, 400),
        (r#"{"step":"vote","question":"absent"}"#, 404),
        (r#"{"step":"sing","question":"late"}"#, 400),
    ] {
        assert_eq!(rig.instruct("POST", "/workshop/class/lead", body).await.status, status, "{body}");
    }
    let order = format!("{{\"scenario\":\"{SCENARIO}\"}}");
    let hands = r#"{"question":"seventh","round":"before","who":"hands","answer":"waits","count":9}"#;
    assert_eq!(rig.post("/workshop/runs", &order).await.status, 503, "alone, everybody measures");
    rig.lead("vote", "seventh").await;
    for (path, body) in [("/workshop/runs", order.as_str()), ("/workshop/votes", hands)] {
        assert_eq!(rig.post(path, body).await.status, 401, "{path}");
        assert_ne!(rig.instruct("POST", path, body).await.status, 401, "{path}");
    }
    let open = Rig::reachable().await;
    assert_eq!(open.post("/workshop/runs", &order).await.status, 401);
    assert_eq!(open.get("/workshop/votes/seventh?show=all").await.status, 403);
    assert_eq!(open.instruct("GET", "/workshop/votes/seventh?show=all", "").await.status, 200);
    assert_eq!(open.hello(&device(1), "Ada").await["may_run"], false);
}

#[tokio::test]
async fn w5_two_learners_with_one_name_are_two_and_see_it() {
    let rig = Rig::new().await;
    assert_eq!(rig.hello(&device(1), "Ada").await["you"]["name"], "Ada");
    assert_eq!(rig.hello(&device(2), " Ada ").await["you"]["name"], "Ada (2)");
    for number in [1, 2] {
        assert_eq!(rig.vote_on(&device(number), "before", "Ada", json!("waits")).await.status, 201);
    }
    let results = rig.get("/workshop/votes/seventh?show=all").await.json();
    assert_eq!(results["before"], 2);
    let rig = rig.restarted().await;
    assert_eq!(
        rig.hello(&device(2), "Ada").await["you"]["name"],
        "Ada (2)",
        "also if she is the first after a restart"
    );
    let twice = rig.vote_on(&device(2), "before", "Ada", json!("fails")).await;
    assert!(twice.status == 409 && twice.body.contains("Ada (2)"), "{}", twice.body);
    assert_eq!(rig.get("/workshop/votes?who=Ada&device=device-0002").await.json()["predicted"], json!(["seventh"]));
}

#[tokio::test]
async fn w1_a_restart_in_the_middle_loses_neither_votes_nor_the_step() {
    let rig = Rig::new().await;
    rig.lead("vote", "seventh").await;
    for number in 0..20 {
        let voted = rig.vote_on(&device(number), "before", &format!("L{number}"), json!("waits")).await;
        assert_eq!(voted.status, 201, "{}", voted.body);
    }
    rig.lead("discuss", "seventh").await;
    let rig = rig.restarted().await;
    let state = rig.hello(&device(7), "L7").await;
    assert_eq!((&state["step"], &state["question"]["voted"]), (&json!("discuss"), &json!(20)));
    assert_eq!(state["question"]["yours"]["before"], "waits");
    rig.lead("again", "seventh").await;
    assert_eq!(rig.vote_on(&device(7), "after", "L7", json!("fails")).await.status, 201);
}

#[tokio::test]
async fn signals_reach_the_instructor_only() {
    let rig = Rig::new().await;
    for (number, who, signal) in [(1, "Ada", "done"), (2, "Bob", "stuck")] {
        let hello = json!({ "who": who, "device": device(number), "signal": signal });
        assert_eq!(rig.post("/workshop/class/hello", &hello.to_string()).await.status, 200);
    }
    let state = rig.instruct("GET", "/workshop/class/state", "").await.json();
    assert_eq!(state["signals"], json!({ "done": ["Ada"], "stuck": ["Bob"] }));
    assert_eq!(state["people"], 2);
    let public = rig.get("/workshop/class/state").await;
    assert!(public.json()["signals"].is_null() && !public.body.contains("Bob"), "{}", public.body);
    for body in [r#"{"who":"Ada"}"#, r#"{"who":"Ada","device":"x"}"#, r#"{"who":"a\nb","device":"device-0001"}"#] {
        assert_eq!(rig.post("/workshop/class/hello", body).await.status, 400, "{body}");
    }
    assert_eq!(rig.hello(&device(3), "").await["people"], 2, "who has no name has not joined");
}

#[tokio::test]
async fn w3_a_vote_that_arrives_twice_counts_once() {
    let rig = Rig::new().await;
    let vote = json!({
        "question": "seventh", "round": "before", "who": "Ada", "answer": "waits", "device": device(1), "id": "v-1",
    });
    assert_eq!(rig.post("/workshop/votes", &vote.to_string()).await.status, 201);
    assert_eq!(rig.post("/workshop/votes", &vote.to_string()).await.status, 200, "sent again, as nothing came back");
    let forwarded = |id: &str, who: &str| json!({ "question": "seventh", "round": "before", "who": who, "answer": "fails", "at": 5, "id": id, "device": device(9) });
    let hands =
        json!({ "question": "seventh", "round": "before", "who": "hands", "answer": "waits", "at": 5, "id": "h" });
    let absent =
        json!({ "question": "absent", "round": "before", "who": "Eve", "answer": "waits", "at": 5, "id": "e" });
    // A class that is somewhere else by now takes votes that were cast out of reach.
    rig.lead("reveal", "seventh").await;
    let batch = json!({ "votes": [vote_at(&vote), forwarded("v-2", "Bob"), forwarded("v-2", "Bob"), hands, absent] });
    for added in [1, 0] {
        let taken = rig.post("/workshop/votes/forwarded", &batch.to_string()).await;
        assert_eq!(taken.json()["added"], added, "{}", taken.body);
        let refused = taken.json()["refused"].to_string();
        assert!(refused.contains("hands are counted") && refused.contains("no question is called"), "{refused}");
    }
    let results = rig.get("/workshop/votes/seventh?show=all").await.json();
    assert_eq!((&results["before"], &results["choices"][1]["before"]), (&json!(2), &json!(1)));
    let many: Vec<Value> = (0..21).map(|number| forwarded(&format!("m-{number}"), "Bob")).collect();
    let refused = rig.post("/workshop/votes/forwarded", &json!({ "votes": many }).to_string()).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
}

/// A vote as a line of a file.
fn vote_at(vote: &Value) -> Value {
    let mut vote = vote.clone();
    vote["at"] = json!(4);
    vote
}
