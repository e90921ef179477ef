//! A class on its own port, and a client that sends raw bytes.

use std::net::SocketAddr;
use std::path::Path;

use feedlab_experiment::class::Questions;
use feedlab_server::{Config, Server};
use feedlab_testkit::http::{self, Answer};
use feedlab_workshop::{Class, ClassSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The questions of the tests.
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

/// A class on a server.
pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) class: Class,
    pub(crate) stop: CancellationToken,
    address: SocketAddr,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::measuring_with(Path::new("/nonexistent/feedlab")).await
    }

    /// Opens a class whose measurements run this program.
    pub(crate) async fn measuring_with(binary: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let settings = ClassSettings {
            votes: folder.path().join("class.ndjson"),
            out: folder.path().join("results"),
            binary: binary.to_owned(),
            stop: stop.clone(),
        };
        let questions: Questions = toml::from_str(QUESTIONS).unwrap();
        let class = Class::with_questions(questions, settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(Config::default()).await.unwrap().routes(class.router());
        tokio::spawn(server.run(listener, CancellationToken::new()));
        Self { folder, class, stop, address }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_from(&format!("http://{}", self.address), path, body).await
    }

    pub(crate) async fn post_from(&self, origin: &str, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &format!("Origin: {origin}\r\nContent-Type: application/json\r\n"), body).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, fields: &str, body: &str) -> Answer {
        http::ask_async(self.address, method, path, fields, body).await
    }

    pub(crate) async fn vote(&self, question: &str, round: &str, who: &str, answer: Value) -> Answer {
        let vote = serde_json::json!({ "question": question, "round": round, "who": who, "answer": answer });
        self.post("/workshop/votes", &vote.to_string()).await
    }
}
