//! What the clients of a job need to know about its target: somebody else's server, which they measure instead of
//! feedlab's own.
//!
//! The clients ask for its URLs here, the phases check it before the first client connects. How its feed is read is the
//! business of `transport/target.rs`.

use std::net::SocketAddr;

use feedlab_experiment::scenario::{Endpoint, Target};
use feedlab_experiment::stamp::Finder;
use feedlab_feed::{Epoch, Transport};
use serde::{Deserialize, Serialize};
use url::{Position, Url};

use crate::transport::target::Recipe;
use crate::{Job, LoadError};

/// The target of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTarget {
    /// The target. The port in its URL is a number: that on which it listens.
    pub target: Target,
    /// The epoch of the text that is published. Updates of another epoch are ignored: they are left over from an earlier
    /// cell. `None` accepts every epoch.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// Whether the run publishes the feed and knows what was due. Otherwise the target publishes a feed of its own.
    pub publishes: bool,
}

impl JobTarget {
    /// The endpoint of a transport, if the target has one.
    pub(crate) fn endpoint(&self, transport: Transport) -> Option<&Endpoint> {
        self.target.endpoints.get(&transport)
    }

    /// The URL of an endpoint for a client that connects to `address`, which may be that of a proxy.
    pub(crate) fn url(&self, address: SocketAddr, transport: Transport) -> Option<Url> {
        let base = self.base()?;
        let path = &self.endpoint(transport)?.path;
        Url::parse(&format!("http://{address}{}{path}", base.path().trim_end_matches('/'))).ok()
    }

    /// The host and port that a request names, whatever its client is connected to.
    pub(crate) fn host(&self) -> Option<String> {
        self.base().map(|base| base[Position::BeforeHost..Position::AfterPort].to_owned())
    }

    fn base(&self) -> Option<Url> {
        Url::parse(&self.target.url).ok().filter(Url::has_host)
    }
}

/// Returns how the feed of the job's target is read; `None` for feedlab's own server.
///
/// # Errors
/// When the job's clients could not ask for that feed.
pub(crate) fn recipe(job: &Job) -> Result<Option<Recipe>, LoadError> {
    let Some(target) = &job.target else { return Ok(None) };
    let failed = |why: String| LoadError::Target { name: target.target.name.clone(), why };
    let transport = job.contender.transport();
    let endpoint = target.endpoint(transport).filter(|_| !job.contender.is_auto());
    let endpoint = endpoint.ok_or_else(|| {
        let wanted = if job.contender.is_auto() { "the fallback ladder" } else { transport.label() };
        failed(format!("it has no endpoint for {wanted}"))
    })?;
    let Some(address) = job.endpoint else {
        return Err(failed("the job does not say where it listens".to_owned()));
    };
    if target.url(address, transport).is_none() {
        return Err(failed(format!("`{}` and `{}` are not a URL", target.target.url, endpoint.path)));
    }
    let finder = Finder::new(&target.target.stamp).map_err(|error| failed(error.to_string()))?;
    Ok(Some(Recipe::new(finder, endpoint.cursor.clone(), target.epoch)))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use feedlab_experiment::plan::Cell;
    use feedlab_experiment::scenario::{Clients, Contender, CursorRecipe, Headers, Measure, Options, StampRecipe};

    use super::*;

    /// A target that listens on port 9000, with one endpoint.
    pub(crate) fn target(transport: Transport, path: &str, cursor: CursorRecipe) -> JobTarget {
        let endpoint = Endpoint { path: path.to_owned(), cursor };
        let target = Target {
            name: "mine".to_owned(),
            command: None,
            url: "http://localhost:9000".to_owned(),
            remote: false,
            ready: None,
            endpoints: BTreeMap::from([(transport, endpoint)]),
            publish: None,
            stamp: StampRecipe::Text,
        };
        JobTarget { target, epoch: "k3f9".parse().ok(), publishes: true }
    }

    /// A job whose clients connect to `address`.
    pub(crate) fn job(address: SocketAddr, options: Options, target: JobTarget) -> Job {
        let second = Duration::from_secs(1);
        let cell = Cell { id: "c".into(), contender: 0, clients: 1, payload_bytes: None, repetition: 1, seed: 1 };
        let clients = Clients { count: vec![1], ramp: second, headers: Headers::Bare, slow: None, churn: None };
        let measure = Measure { settle: second, warm_up: second, duration: second, drain: second, repetitions: 1 };
        let server = "127.0.0.1:1".parse().unwrap();
        let job = Job::new(server, cell, Contender::new("mine", options), clients, measure, "c.hlog".into());
        Job { endpoint: Some(address), target: Some(target), ..job }
    }

    const SSE: Options = Options::Sse { keepalive: Duration::from_secs(15) };

    #[test]
    fn a_url_is_the_targets_path_at_the_address_of_the_client() {
        let address = "127.0.0.1:7".parse().unwrap();
        for (url, path, expected, host) in [
            ("http://localhost:9000", "/sse?room=a%20b", "http://127.0.0.1:7/sse?room=a%20b", "localhost:9000"),
            ("http://127.0.0.1:80/api/", "/sse", "http://127.0.0.1:7/api/sse", "127.0.0.1"),
            ("http://[::1]:9000/v1", "/", "http://127.0.0.1:7/v1/", "[::1]:9000"),
        ] {
            let mut target = target(Transport::Sse, path, CursorRecipe::Standard);
            target.target.url = url.to_owned();
            assert_eq!(target.url(address, Transport::Sse).unwrap().as_str(), expected);
            assert_eq!(target.host().as_deref(), Some(host));
        }
    }

    #[test]
    fn what_no_client_can_ask_for_is_refused_before_the_first_connects() {
        let address = "127.0.0.1:7".parse().unwrap();
        let sse = || target(Transport::Sse, "/sse", CursorRecipe::Standard);
        let why = |job: &Job| recipe(job).unwrap_err().to_string();
        assert!(recipe(&job(address, SSE, sse())).unwrap().is_some());
        let websocket = Options::WebSocket { keepalive: Duration::from_secs(15) };
        let refused = why(&job(address, websocket, sse()));
        assert_eq!(refused, "cannot measure the target `mine`: it has no endpoint for WebSocket");
        let nowhere = Job { endpoint: None, ..job(address, SSE, sse()) };
        assert!(why(&nowhere).contains("where it listens"));
        let mut unfilled = sse();
        unfilled.target.url = "http://127.0.0.1:$PORT".to_owned();
        assert!(why(&job(address, SSE, unfilled)).contains("`http://127.0.0.1:$PORT` and `/sse` are not a URL"));
        let mut unreadable = sse();
        unreadable.target.stamp = StampRecipe::Pattern { pattern: "(".to_owned(), unit: Default::default() };
        assert!(why(&job(address, SSE, unreadable)).contains("regular expression"));
    }

    #[test]
    fn a_job_without_a_target_needs_no_field_for_it() {
        let job = Job {
            target: None,
            ..job("127.0.0.1:7".parse().unwrap(), SSE, target(Transport::Sse, "/", CursorRecipe::None))
        };
        let mut json = serde_json::to_value(&job).unwrap();
        json.as_object_mut().unwrap().remove("target");
        assert_eq!(serde_json::from_value::<Job>(json).unwrap(), job);
    }
}
