//! The promises of the packed client library, against real servers: a page of another origin runs
//! `crates/server/feed-client/test/contract.js` in Chromium and in Firefox, and posts what went wrong.

use std::net::TcpListener as Port;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::feedlab::Server;
use crate::panels::CUT;
use crate::{RUNTIME, in_browser, is_there};

/// How long a browser may take to start and to run everything; a limit, not a wait.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn j1_j2_j3_j7_contract_in_chromium() {
    if !is_there(&["node"], "apt-get install -y nodejs") {
        return;
    }
    in_browser(async |browser| {
        browser.expect(&CUT);
        let mut contract = Contract::start().await;
        let tab = browser.open(&contract.url).await;
        contract.holds().await;
        tab.close().await;
    });
}

#[test]
fn j1_j2_j3_j7_contract_in_firefox() {
    if !is_there(&["node", "firefox-esr"], "apt-get install -y nodejs firefox-esr") {
        return;
    }
    RUNTIME.block_on(async {
        let mut contract = Contract::start().await;
        let _firefox = Firefox::open(&contract.url);
        contract.holds().await;
    });
}

/// The servers, and the page that tests the library against them.
struct Contract {
    url: String,
    problems: Receiver<String>,
    _servers: [Server; 2],
}

impl Contract {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let allow = ["--no-lab", "--allow-origin", &origin];
        let lively = Server::serve("50", &[&allow[..], &["--allow-publish"]].concat());
        let quiet = Server::serve("0.01", &[&allow[..], &["--keepalive", "500ms"]].concat());
        let urls = [lively.url(), quiet.url(), format!("http://{}", refused())];
        let (report, problems) = channel(1);
        tokio::spawn(serve(listener, page(&urls), report));
        Self { url: origin, problems, _servers: [lively, quiet] }
    }

    async fn holds(&mut self) {
        let problems = tokio::time::timeout(PATIENCE, self.problems.recv()).await;
        assert_eq!(problems.expect("the page reports in time").as_deref(), Some("[]"));
    }
}

/// Returns an address where nothing listens.
fn refused() -> std::net::SocketAddr {
    Port::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn page([lively, quiet, refused]: &[String; 3]) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><link rel=icon href='data:,'><script type=module>
        const report = (found) => fetch('/done', {{ method: 'POST', body: JSON.stringify(found) }});
        addEventListener('error', ({{ message }}) => report([message]));
        addEventListener('unhandledrejection', ({{ reason }}) => report([String(reason)]));
        const [library, {{ problems }}] = await Promise.all([import('./feed-client.js'), import('./contract.js')]);
        report(await problems(library, {{ lively: '{lively}', quiet: '{quiet}', refused: '{refused}' }}));
        </script>"
    )
}

/// Serves the page, the packed library and its contract, and passes on what the page posts.
async fn serve(listener: TcpListener, page: String, report: Sender<String>) {
    let (library, contract) = (packed(), std::fs::read_to_string(folder().join("test/contract.js")).unwrap());
    while let Ok((mut stream, _)) = listener.accept().await {
        let (target, body) = request(&mut stream).await;
        let (kind, answer) = match target.as_str() {
            "/feed-client.js" => ("text/javascript", library.as_str()),
            "/contract.js" => ("text/javascript", contract.as_str()),
            "/done" => {
                let _ = report.send(body).await;
                ("text/plain", "")
            }
            _ => ("text/html", page.as_str()),
        };
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\n", answer.len());
        let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{answer}").as_bytes()).await;
    }
}

/// Reads a request: its target and its body. A browser may open a connection without sending one.
async fn request(stream: &mut TcpStream) -> (String, String) {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    let reading = async {
        loop {
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    break;
                }
            }
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), reading).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    (head.split(' ').nth(1).unwrap_or_default().to_owned(), body.to_owned())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/feed-client")
}

/// Returns the file that `npm pack` delivers.
fn packed() -> String {
    let script = "import('./pack.mjs').then(({ bundle }) => process.stdout.write(bundle()))";
    let output = Command::new("node").args(["-e", script]).current_dir(folder()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A Firefox that shows one page, without a driver.
struct Firefox {
    process: Child,
    _profile: TempDir,
}

impl Firefox {
    fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // No first-run pages, no updates, no reports to its maker.
        let quiet = "user_pref('browser.shell.checkDefaultBrowser', false);
            user_pref('datareporting.policy.dataSubmissionEnabled', false);
            user_pref('app.update.enabled', false);
            user_pref('app.normandy.enabled', false);
            user_pref('network.captive-portal-service.enabled', false);
            user_pref('network.connectivity-service.enabled', false);";
        std::fs::write(profile.path().join("user.js"), quiet.replace('\'', "\"")).unwrap();
        let process = Command::new("firefox-esr")
            .args(["--headless", "--no-remote", "--profile"])
            .arg(profile.path())
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, _profile: profile }
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
