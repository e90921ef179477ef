use serde_json::{Value, json};

use super::rig::Rig;

/// Returns the lines of the file of votes.
fn lines(rig: &Rig) -> Vec<Value> {
    let text = std::fs::read_to_string(rig.folder.path().join("class.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn results_are_shown_only_after_a_prediction() {
    let rig = Rig::new().await;
    let path = "/workshop/votes/seventh?who=Ada";
    let early = rig.get(path).await;
    assert_eq!(early.status, 403);
    assert!(early.body.contains("predict first") && !early.body.contains("Six connections"), "{}", early.body);
    assert_eq!(rig.vote("seventh", "before", "Ada", json!("fails")).await.status, 201);
    let saved = rig.get(path).await;
    assert!(saved.json()["yours"]["before"] == "fails" && saved.json()["known"].is_null(), "{}", saved.body);
    assert!(!saved.body.contains("svg") && !saved.body.contains("Six connections"), "W1: {}", saved.body);
    let path = "/workshop/votes/seventh?who=Ada&answer=open";
    let results = rig.get(path).await.json();
    assert_eq!(results["known"]["right"], "waits");
    assert_eq!(results["known"]["because"], "Six connections an origin.");
    assert_eq!((&results["choices"][1]["before"], &results["yours"]["before"]), (&json!(1), &json!("fails")));
    assert!(results["svg"].as_str().unwrap().starts_with("<svg"));
    assert_eq!(rig.vote("seventh", "after", "Ada", json!("waits")).await.status, 201);
    assert_eq!(rig.get(path).await.json()["choices"][0]["after"], 1);
    assert_eq!(rig.get("/workshop/votes?who=Ada").await.json(), json!({ "predicted": ["seventh"] }));
    assert_eq!(rig.get("/workshop/votes").await.status, 400);
    let others = rig.get("/workshop/votes/late?who=Ada").await;
    assert_eq!(others.status, 403, "each question requires its own prediction");
}

#[tokio::test]
async fn the_projector_shows_the_votes_and_the_answer_on_request() {
    let rig = Rig::new().await;
    for (who, number) in [("a", 250.0), ("b", 1000.0)] {
        rig.vote("late", "before", who, json!(number)).await;
    }
    let hidden = rig.get("/workshop/votes/late?show=all&answer=hidden").await.json();
    let svg = hidden["svg"].as_str().unwrap();
    assert!(hidden["before"] == 2 && hidden["known"].is_null() && svg.contains("before: 2 answers"), "{hidden}");
    let shown = rig.get("/workshop/votes/late?show=all").await.json();
    assert_eq!(shown["known"]["because"], "It waits for the next question.");
    assert!(!shown.to_string().contains("\"who\""), "the names are not sent");
}

#[tokio::test]
async fn a_prediction_is_final_and_the_second_answer_may_change() {
    let rig = Rig::new().await;
    let late = rig.vote("late", "after", "Ada", json!(1)).await;
    assert!(late.status == 409 && late.body.contains("predict first"), "{}", late.body);
    assert_eq!(rig.vote("late", "before", " Ada ", json!(500)).await.status, 201);
    let again = rig.vote("late", "before", "Ada", json!(515)).await;
    assert!(again.status == 409 && again.body.contains("Ada has already predicted"), "{}", again.body);
    for number in [1, 2] {
        assert_eq!(rig.vote("late", "after", "Ada", json!(number)).await.status, 201);
    }
    assert_eq!(rig.get("/workshop/votes/late?who=Ada").await.json()["yours"]["after"], json!(2.0));
    let kept = lines(&rig);
    assert_eq!((kept.len(), &kept[0]["who"], &kept[0]["answer"]), (3, &json!("Ada"), &json!(500.0)));
    assert!(kept[0]["at"].as_u64().unwrap() > 1_600_000_000_000_000);
}

#[tokio::test]
async fn hands_are_counted_and_a_count_can_be_corrected() {
    let rig = Rig::new().await;
    for count in [12, 11] {
        let vote =
            json!({ "question": "seventh", "round": "before", "who": "hands", "answer": "waits", "count": count });
        assert_eq!(rig.post("/workshop/votes", &vote.to_string()).await.status, 201);
    }
    let results = rig.get("/workshop/votes/seventh?show=all").await.json();
    assert_eq!((&results["before"], &results["choices"][0]["before"]), (&json!(11), &json!(11)));
    for (who, count, needle) in [("hands", 0, "1 to 1000"), ("hands", 1001, "1 to 1000"), ("Ada", 2, "one vote")] {
        let vote = json!({ "question": "seventh", "round": "before", "who": who, "answer": "waits", "count": count });
        let refused = rig.post("/workshop/votes", &vote.to_string()).await;
        assert!(refused.status == 400 && refused.body.contains(needle), "{}", refused.body);
    }
}

#[tokio::test]
async fn an_invalid_vote_is_rejected_with_the_reason_and_not_stored() {
    let rig = Rig::new().await;
    let vote = |question: &str, who: &str, answer: &str| {
        format!("{{\"question\":\"{question}\",\"round\":\"before\",\"who\":\"{who}\",\"answer\":{answer}}}")
    };
    let long = "x".repeat(10_000);
    for (body, status, needle) in [
        (vote("absent", "Ada", "1"), 404, "the questions are late, seventh"),
        (vote(&long, "Ada", "1"), 404, "the questions are late, seventh"),
        (vote("late", "Ada", "1e999"), 400, "number out of range"),
        (vote("late", "Ada", "NaN"), 400, "expected"),
        (vote("late", "Ada", "\"NaN\""), 400, "give a number (ms)"),
        (vote("late", "Ada", "1e300"), 400, "too large"),
        (vote("seventh", "Ada", "1"), 400, "choose one of waits, fails"),
        (vote("seventh", "Ada", "\"neither\""), 400, "choose one of waits, fails"),
        (vote("late", &long, "1"), 400, "at most 60 characters, and this one has 10000"),
        (vote("late", "  ", "1"), 400, "enter your name"),
        (vote("late", "a\\nb", "1"), 400, "one line"),
        (vote("late", "Ada", "1").replace("before", "during"), 400, "unknown variant `during`"),
        ("{}".to_owned(), 400, "expected {\"question\":\"ID\""),
        ("nonsense".to_owned(), 400, "expected {\"question\":\"ID\""),
        (vote("late", &"x".repeat(100_000), "1"), 413, "at most 16384 bytes"),
    ] {
        let refused = rig.post("/workshop/votes", &body).await;
        let short = &body[..body.len().min(80)];
        assert_eq!(refused.status, status, "{short}: {}", refused.body);
        assert!(refused.body.contains(needle) && refused.body.len() < 1000, "{short}: {}", refused.body);
    }
    let unknown = rig.get("/workshop/votes/absent?show=all").await;
    assert!(unknown.status == 404 && unknown.body.contains("late, seventh"), "{}", unknown.body);
    assert_eq!(rig.get(&format!("/workshop/votes/late?who={}", "x".repeat(1_000))).await.status, 400);
    assert_eq!(lines(&rig), Vec::<Value>::new());
}

#[tokio::test]
async fn pages_of_other_origins_may_not_vote() {
    let rig = Rig::new().await;
    let vote = r#"{"question":"late","round":"before","who":"Ada","answer":1}"#;
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let refused = rig.post_from(origin, "/workshop/votes", vote).await;
        assert!(refused.status == 403 && refused.body.contains("this origin"), "{origin}: {}", refused.body);
        let refused = rig.post_from(origin, "/workshop/runs", r#"{"scenario":"scenarios/quick.toml"}"#).await;
        assert_eq!(refused.status, 403, "{origin}");
    }
    assert_eq!(rig.ask("POST", "/workshop/votes", "", "{}").await.status, 415);
    assert_eq!(lines(&rig), Vec::<Value>::new());
}

#[tokio::test]
async fn names_are_never_markup() {
    let rig = Rig::new().await;
    let evil = "<img src=x onerror=alert(1)>";
    assert_eq!(rig.vote("seventh", "before", evil, json!("waits")).await.status, 201);
    let results = rig.get("/workshop/votes/seventh?show=all").await;
    assert!(!results.body.contains("<img"), "{}", results.body);
    assert!(!rig.get("/workshop/class").await.body.contains("<img"));
}
