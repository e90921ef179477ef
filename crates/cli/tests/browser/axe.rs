//! axe-core finds accessibility problems of a page: contrast, names, roles, order. It is fetched from npm, only for the
//! tests, and kept in the target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::is_there;
use crate::tab::Tab;

/// Returns whether the tools to fetch and unpack it are installed.
pub(crate) fn is_available() -> bool {
    is_there(&["npm", "tar"], "apt-get install -y npm")
}

/// Fails if axe finds a serious or critical problem in the page, and reports it.
pub(crate) async fn check(tab: &Tab, page: &str) {
    fail_on(tab, page, &["serious", "critical"]).await;
}

/// Fails if axe finds any problem in the page that is more than minor, and reports it.
pub(crate) async fn check_above_minor(tab: &Tab, page: &str) {
    fail_on(tab, page, &["moderate", "serious", "critical"]).await;
}

async fn fail_on(tab: &Tab, page: &str, impacts: &[&str]) {
    let driver = tab.driver().await;
    driver.execute(source(), Vec::new()).await.unwrap();
    let script = "const [impacts, done] = arguments; axe.run(document, { resultTypes: ['violations'] }).then(
        (found) => done(found.violations.filter((it) => impacts.includes(it.impact))),
        (error) => done([{ id: 'axe failed', help: String(error), nodes: [] }]));";
    let found = driver.execute_async(script, vec![serde_json::json!(impacts)]).await.unwrap();
    let problems: Vec<String> = found.json().as_array().unwrap().iter().map(violation).collect();
    assert!(problems.is_empty(), "{page}: axe finds {} problems:\n{}", problems.len(), problems.join("\n"));
}

fn violation(found: &Value) -> String {
    let nodes = found["nodes"].as_array().unwrap().iter().take(5);
    let places = nodes.map(|node| format!("\n    {}: {}", node["target"], node["any"][0]["message"]));
    format!("  {}: {}{}", found["id"], found["help"], places.collect::<String>())
}

/// Returns the script, from its npm package.
fn source() -> String {
    let archive = kept().unwrap_or_else(fetched);
    let tar = Command::new("tar").args(["-xzOf"]).arg(archive).arg("package/axe.min.js").output().unwrap();
    String::from_utf8(succeeded(tar).stdout).unwrap()
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn kept() -> Option<PathBuf> {
    let is_axe = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("axe-core-4") && name.ends_with(".tgz")
    };
    std::fs::read_dir(folder()).unwrap().filter_map(|entry| Some(entry.ok()?.path())).find(is_axe)
}

fn fetched() -> PathBuf {
    let npm = Command::new("npm").args(["pack", "axe-core@4", "--silent"]).current_dir(folder()).output().unwrap();
    succeeded(npm);
    kept().unwrap()
}

fn succeeded(output: Output) -> Output {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}
