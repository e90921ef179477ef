//! A class on a port of its own, and a client that speaks raw bytes.

use std::path::Path;

use feedlab_experiment::class::Questions;
use feedlab_workshop::{Class, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// What the tests ask.
const QUESTIONS: &str = r#"
[[question]]
id = "late"
chapter = "a"
text = "How late is an update?"
unit = "ms"
because = "It waits for the next question."

[question.measured]
scenario = "scenarios/workshop/how-old.toml"
contender = "short polling, 1 s"
metric = "age_p50_us"
per = 1000

[[question]]
id = "seventh"
chapter = "a"
text = "What does the seventh EventSource do?"
choices = [{ id = "waits", text = "it waits", right = true }, { id = "fails", text = "it fails" }]
because = "Six connections an origin."
"#;

/// A class.
pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) class: Class,
    pub(crate) stop: CancellationToken,
    address: String,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::measuring_with(Path::new("/nonexistent/feedlab")).await
    }

    /// A class whose runs are this program's.
    pub(crate) async fn measuring_with(binary: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let settings = Settings {
            votes: folder.path().join("class.ndjson"),
            out: folder.path().join("results"),
            binary: binary.to_owned(),
            stop: stop.clone(),
        };
        let questions: Questions = toml::from_str(QUESTIONS).unwrap();
        let class = Class::with_questions(questions, settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = class.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { folder, class, stop, address }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_from(&format!("http://{}", self.address), path, body).await
    }

    pub(crate) async fn post_from(&self, origin: &str, path: &str, body: &str) -> Answer {
        let (host, len) = (&self.address, body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\n\
             Content-Length: {len}\r\nConnection: close\r\n\r\n{body}"
        );
        self.send(&request).await
    }

    pub(crate) async fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        // A server that has refused a body need not read it.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head[9..12].parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) async fn vote(&self, question: &str, round: &str, who: &str, answer: Value) -> Answer {
        let vote = serde_json::json!({ "question": question, "round": round, "who": who, "answer": answer });
        self.post("/workshop/votes", &vote.to_string()).await
    }
}
