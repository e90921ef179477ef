//! Whole checks: a small contract, tried on feedlab's own server and on small servers that are wrong in one way.

use feedlab_feed::settings::Settings;
use feedlab_server::{Config, Listeners};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::contract::{Contract, Profile};
use crate::outcome::Failure;
use crate::publish::Publisher;
use crate::target::Mapping;
use crate::trace::What;

/// What a check says while it runs.
#[derive(Default)]
struct Silent {
    cases: usize,
}

impl Progress for Silent {
    fn stage(&mut self, _: u8, _: &str, _: &str, _: usize) {}
    fn case(&mut self, _: &CaseResult) {
        self.cases += 1;
    }
    fn waiting(&mut self, _: &str, _: Duration) {}
}

fn contract(cases: &str) -> Contract {
    let text = format!("stage = 1\ntitle = \"T\"\nquestion = \"Q?\"\n{cases}");
    Contract::read([("01.toml".to_owned(), text)]).unwrap()
}

fn case(id: &str, profiles: &str, keys: &str, steps: &str) -> String {
    format!(
        "[[case]]\nid = \"{id}\"\nprofiles = [{profiles}]\nrule = \"R.\"\nsource = \"S\"\nurl = \"https://s\"\nfix = \"F.\"\n{keys}\n\
         steps = [\n{steps}\n]\n"
    )
}

fn options(url: &str, cases: &str) -> Options {
    let timeout = Duration::from_secs(2);
    Options { timeout, ..Options::new(url.parse().unwrap(), contract(cases)) }
}

async fn judge(options: Options) -> Report {
    check(options, &mut Silent::default(), &CancellationToken::new()).await.unwrap()
}

#[track_caller]
fn failure(report: &Report, id: &str) -> Failure {
    let case = report.cases().find(|case| case.id == id).unwrap();
    let Verdict::Failed(failure) = &case.verdict else { panic!("{id}: {:?}", case.verdict) };
    (**failure).clone()
}

#[track_caller]
fn all_passed(report: &Report) {
    for case in report.cases() {
        assert!(matches!(case.verdict, Verdict::Passed), "{}: {:#?}", case.id, case.verdict);
    }
}

fn reason(report: &Report, id: &str) -> String {
    let case = report.cases().find(|case| case.id == id).unwrap();
    let Verdict::NotTried { reason } = &case.verdict else { panic!("{id}: {:?}", case.verdict) };
    reason.clone()
}

/// Feedlab's own server. Dropping it stops it.
struct Ours {
    url: String,
    _stop: tokio_util::sync::DropGuard,
}

async fn ours(allow_publish: bool) -> Ours {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let config = Config::from(Settings { allow_publish, ..Settings::default() });
    let listeners = Listeners { endpoints: listener, control: None };
    tokio::spawn(feedlab_server::run(listeners, config, stop.clone()));
    Ours { url, _stop: stop.drop_guard() }
}

/// Starts a server that answers each connection with `answer`, which gets the head of the request.
async fn wrong<F>(answer: impl Fn(String, TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/updates", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                let mut buffer = [0; 1024];
                match stream.read(&mut buffer).await {
                    Ok(count @ 1..) => head.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            if !head.is_empty() {
                tokio::spawn(answer(String::from_utf8(head).unwrap(), stream));
            }
        }
    });
    url
}

mod feedlab;
mod other;
