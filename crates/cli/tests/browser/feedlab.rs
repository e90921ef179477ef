//! `feedlab serve` and `feedlab workshop`, for as long as a test lasts.

use feedlab_testkit::Feedlab;
use tempfile::TempDir;

pub(crate) struct Server {
    feedlab: Feedlab,
    /// Removed when the process has ended.
    _votes: Option<TempDir>,
}

impl Server {
    /// `feedlab serve` with an even feed of so many updates a second.
    pub(crate) fn serve(rate: &str, more: &[&str]) -> Self {
        let arguments = [&["serve", "--feed", "synthetic", "--rate", rate], more].concat();
        Self { feedlab: start(&arguments), _votes: None }
    }

    /// `feedlab workshop`, with a class's votes and results in a folder that is forgotten.
    pub(crate) fn workshop() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [votes, results] = ["class.ndjson", "results"].map(|name| folder.path().join(name));
        let places = ["workshop", "--class", votes.to_str().unwrap(), "--out", results.to_str().unwrap()];
        Self { feedlab: start(&places), _votes: Some(folder) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.feedlab.address())
    }
}

fn start(arguments: &[&str]) -> Feedlab {
    Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), &[arguments, &["--exit-with-stdin"]].concat())
}
