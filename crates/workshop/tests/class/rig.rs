//! A class on its own port, and a client that sends raw bytes.

use std::net::SocketAddr;
use std::path::Path;

use feedlab_experiment::class::Questions;
use feedlab_server::{Config, Server};
use feedlab_testkit::http::{self, Answer};
use feedlab_workshop::{Audience, Class, ClassSettings, Token};
use futures_util::FutureExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
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
    pub(crate) token: Token,
    halt: CancellationToken,
    server: JoinHandle<()>,
    address: SocketAddr,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::measuring_with(Path::new("/nonexistent/feedlab")).await
    }

    /// Opens a class whose measurements run this program.
    pub(crate) async fn measuring_with(binary: &Path) -> Self {
        Self::open(tempfile::tempdir().unwrap(), binary, false).await
    }

    /// Opens a class that other machines could reach.
    pub(crate) async fn reachable() -> Self {
        Self::open(tempfile::tempdir().unwrap(), Path::new("/nonexistent/feedlab"), true).await
    }

    /// Ends this class, and opens another with its votes, as a restarted server does.
    pub(crate) async fn restarted(self) -> Self {
        let Self { folder, class, server, halt, .. } = self;
        halt.cancel();
        server.await.unwrap();
        drop(class);
        // The last connection holds the file of votes a moment longer.
        let lock = std::fs::File::open(folder.path().join("class.ndjson")).unwrap();
        while lock.try_lock_shared().is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        drop(lock);
        Self::open(folder, Path::new("/nonexistent/feedlab"), false).await
    }

    async fn open(folder: TempDir, binary: &Path, is_open: bool) -> Self {
        let token = Token::beside(&folder.path().join("class.ndjson")).unwrap();
        let join = vec!["http://192.168.1.5:8080/join".to_owned()];
        let stop = CancellationToken::new();
        let settings = ClassSettings {
            votes: folder.path().join("class.ndjson"),
            out: folder.path().join("results"),
            binary: binary.to_owned(),
            stop: stop.clone(),
            audience: Audience { token: token.clone(), is_open, join },
        };
        let questions: Questions = toml::from_str(QUESTIONS).unwrap();
        let class = Class::with_questions(questions, settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(Config::default())
            .await
            .unwrap()
            .routes(class.router().merge(feedlab_workshop::choose::routes()));
        let halt = CancellationToken::new();
        let server = tokio::spawn(server.run(listener, halt.clone()).map(drop));
        Self { folder, class, stop, token, halt, server, address }
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

    /// A vote from a device.
    pub(crate) async fn vote_on(&self, device: &str, round: &str, who: &str, answer: Value) -> Answer {
        let vote = serde_json::json!({
            "question": "seventh", "round": round, "who": who, "answer": answer, "device": device,
        });
        self.post("/workshop/votes", &vote.to_string()).await
    }

    /// What a learner's page gets to know.
    pub(crate) async fn hello(&self, device: &str, who: &str) -> Value {
        let hello = serde_json::json!({ "who": who, "device": device });
        let answer = self.post("/workshop/class/hello", &hello.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// A request of the instructor.
    pub(crate) async fn instruct(&self, method: &str, path: &str, body: &str) -> Answer {
        let token = self.token.secret();
        let fields = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        self.ask(method, path, &fields, body).await
    }

    /// The instructor's next step.
    pub(crate) async fn lead(&self, step: &str, question: &str) -> Value {
        let next = serde_json::json!({ "step": step, "question": question });
        let answer = self.instruct("POST", "/workshop/class/lead", &next.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }
}
