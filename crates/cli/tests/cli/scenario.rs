//! Scenario files for the tests: as small as a run can be.

use std::path::PathBuf;

use tempfile::TempDir;

/// Four transports, five clients, one measured second each.
pub(crate) const TINY: &str = r#"
schema = 1
name = "tiny"
question = "Does it all hold together?"

[feed]
source = "synthetic"
updates_per_s = 20

[clients]
count = 5
ramp = "100ms"

[measure]
settle = "100ms"
warm_up = "200ms"
duration = "1s"
drain = "500ms"

[[contender]]
transport = "short-polling"
interval = "200ms"

[[contender]]
transport = "long-polling"

[[contender]]
transport = "sse"

[[contender]]
transport = "websocket"

[[threshold]]
metric = "updates_missed"
expect = "== 0"
"#;

/// Returns the tiny scenario with one line changed.
pub(crate) fn tiny_with(line: &str, other: &str) -> String {
    assert!(TINY.contains(line), "{line}");
    TINY.replace(line, other)
}

/// Writes a scenario into a new folder, which is deleted when the first of the pair is dropped.
pub(crate) fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("scenario.toml");
    std::fs::write(&file, text).expect("a file in it");
    (folder, file)
}

/// Returns a scenario with only its last contender.
pub(crate) fn one_contender(text: &str) -> String {
    let (head, rest) = text.split_once("[[contender]]").expect("contenders");
    let last = rest.rfind("[[contender]]").expect("more than one");
    format!("{head}{}", &rest[last..])
}
