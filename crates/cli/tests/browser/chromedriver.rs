//! chromedriver and the browsers that it starts, as one process group that ends whatever happens to the test.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A browser does not exit with its chromedriver, and neither exits with a test that is killed. Therefore, a shell
/// starts them: when its standard input ends, as it does with this process, the shell kills its group and removes the
/// profile.
const KEEPER: &str =
    "chromedriver --port=0 & cat >/dev/null; trap : TERM; kill -TERM 0; wait; sleep 0.2; rm -rf \"$0\"";

pub(crate) struct Chromedriver {
    keeper: Child,
    profile: TempDir,
    pub(crate) url: String,
}

impl Chromedriver {
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .arg(profile.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = port(&mut keeper);
        Self { keeper, profile, url: format!("http://127.0.0.1:{port}") }
    }

    /// Returns the browser's profile folder, which no other browser uses.
    pub(crate) fn profile(&self) -> &Path {
        self.profile.path()
    }
}

/// Returns the port from chromedriver's last line: "ChromeDriver was started successfully on port 40123."
fn port(keeper: &mut Child) -> String {
    let mut lines = BufReader::new(keeper.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("started successfully on port")).unwrap();
    line.rsplit(' ').next().unwrap().trim_end_matches('.').to_owned()
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
