//! Builds this crate again when a chapter, a scenario or a file that chapters link to is added.

use std::path::Path;

fn main() {
    let crates = ["exercises", "experiment", "feed", "loadgen", "proxy", "server"].map(|name| format!("../{name}/src"));
    let folders =
        ["../../docs", "../../scenarios", "../cli/src/command", "../exercises/tests", "src/pages"].map(str::to_owned);
    // A path that does not exist would make cargo run this script at every build.
    for folder in folders.into_iter().chain(crates).filter(|folder| Path::new(folder).exists()) {
        println!("cargo::rerun-if-changed={folder}");
    }
}
