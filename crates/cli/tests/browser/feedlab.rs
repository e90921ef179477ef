//! `feedlab serve` and `feedlab workshop`, for as long as a test lasts.

use feedlab_testkit::Feedlab;
use tempfile::TempDir;

use crate::nginx::Nginx;

pub(crate) struct Server {
    feedlab: Feedlab,
    /// The nginx in front of it, if any.
    front: Option<Nginx>,
    /// The folder of votes and results, removed after the process has exited.
    _votes: Option<TempDir>,
}

impl Server {
    /// Starts `feedlab serve` with a constant feed of `rate` updates per second.
    pub(crate) fn serve(rate: &str, more: &[&str]) -> Self {
        let arguments = [&["serve", "--feed", "synthetic", "--rate", rate], more].concat();
        Self { feedlab: start(&arguments), front: None, _votes: None }
    }

    /// Starts `feedlab workshop`, with a class's votes and results in a temporary folder.
    pub(crate) fn workshop() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [votes, results] = ["class.ndjson", "results"].map(|name| folder.path().join(name));
        let places = ["workshop", "--class", votes.to_str().unwrap(), "--out", results.to_str().unwrap()];
        Self { feedlab: start(&places), front: None, _votes: Some(folder) }
    }

    /// Starts `feedlab workshop` for other machines, with this many labs. Its URL is of an address that is not 127.0.0.1,
    /// as for them.
    pub(crate) fn workshop_for_others(labs: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [votes, results] = ["class.ndjson", "results"].map(|name| folder.path().join(name));
        let places = ["workshop", "--class", votes.to_str().unwrap(), "--out", results.to_str().unwrap()];
        let arguments = [&places[..], &["--listen", "0.0.0.0:0", "--labs", labs]].concat();
        Self { feedlab: start(&arguments), front: None, _votes: Some(folder) }
    }

    /// Puts the server behind a path prefix of nginx.
    pub(crate) fn behind_a_prefix(mut self) -> Self {
        self.front = Some(Nginx::before(self.feedlab.address()));
        self
    }

    /// Returns the class page with the instructor's token.
    pub(crate) fn instructor(&self) -> String {
        self.feedlab.ready()["instructor"].as_str().unwrap().to_owned()
    }

    pub(crate) fn url(&self) -> String {
        let address = self.feedlab.address();
        let ip = if address.ip().is_unspecified() { "127.0.0.2".to_owned() } else { address.ip().to_string() };
        self.front.as_ref().map_or_else(|| format!("http://{ip}:{}", address.port()), Nginx::url)
    }
}

fn start(arguments: &[&str]) -> Feedlab {
    Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), &[arguments, &["--exit-with-stdin"]].concat())
}
