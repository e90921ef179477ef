//! The rules of docs/architecture.md that the compiler does not enforce.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use feedlab_feed::Transport;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Returns the names of all dependencies of a crate, without itself.
fn built_with(package: &str) -> BTreeSet<String> {
    let arguments = ["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--package", package];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().skip(1).filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// Returns all Rust sources in a folder below the root.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => {
                    found.push((path.clone(), std::fs::read_to_string(path).unwrap()));
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn the_dependencies_between_the_crates_match_the_design() {
    let own = |package| -> Vec<String> {
        built_with(package).into_iter().filter_map(|name| name.strip_prefix("feedlab-").map(str::to_owned)).collect()
    };
    assert_eq!(own("feedlab-feed"), Vec::<String>::new());
    assert_eq!(own("feedlab-experiment"), ["feed"]);
    assert_eq!(own("feedlab-nats"), ["feed"], "the broker does not know the transports");
    assert_eq!(own("feedlab-server"), ["feed", "nats"], "the server does not know the scenarios");
    assert_eq!(own("feedlab-link"), ["feed"], "the lab proxy uses its clock and its access check");
    assert_eq!(own("feedlab-loadgen"), ["experiment", "feed"]);
    assert_eq!(own("feedlab-report"), ["experiment", "feed"]);
    let check = "it judges any server from outside, and has nothing of ours in common but what is on the wire";
    assert_eq!(own("feedlab-check"), ["experiment", "feed", "loadgen"], "{check}");
    assert_eq!(own("feedlab-workshop"), ["experiment", "feed", "link", "nats", "report", "server"]);
    assert_eq!(own("feedlab-exercises"), Vec::<String>::new(), "an exercise builds without the other crates");
    let ruler = "what measures the server shares no code with it, so that a change cannot move the ruler";
    assert_eq!(own("feedlab-bench"), Vec::<String>::new(), "{ruler}");
    assert_eq!(own("feedlab-testkit"), Vec::<String>::new(), "every crate can use it in its tests");
    assert_eq!(own("feedlab-fuzz"), ["experiment", "feed", "link", "nats", "report", "server"]);
    for package in ["feedlab-testkit", "feedlab-fuzz"] {
        assert!(!built_with("feedlab").contains(package), "{package} is only for tests");
    }
}

#[test]
fn the_report_cannot_use_the_network() {
    let built_with = built_with("feedlab-report");
    for name in ["tokio", "hyper", "reqwest", "mio", "socket2"] {
        assert!(!built_with.contains(name), "feedlab-report is built with {name}");
    }
}

/// The folders where a transport is served, driven and predicted.
const SIDES: [&str; 3] = ["server/src/transport", "loadgen/src/transport", "experiment/src/predict/transport"];

/// Parses a transport's file on one side, and returns it with its path.
fn parsed(side: &str, transport: Transport) -> (PathBuf, syn::File) {
    let name = format!("{}.rs", transport.id().replace('-', "_"));
    let path = root().join("crates").join(side).join(name);
    let missing = "a transport is three files: docs/architecture.md, \"Adding a transport\"";
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing: {missing}", path.display()));
    (path, syn::parse_file(&text).unwrap())
}

/// The items of a file in order, as in `pub fn run`, `struct Poller`, `impl Poller { run`, `impl Framing for Frames {`.
fn outline(file: &syn::File) -> Vec<String> {
    let public = |visibility: &syn::Visibility| match visibility {
        syn::Visibility::Inherited => "",
        _ => "pub ",
    };
    let name = |kind: &syn::Type| match kind {
        syn::Type::Path(path) => path.path.segments.last().unwrap().ident.to_string(),
        _ => String::new(),
    };
    let line = |item: &syn::Item| match item {
        syn::Item::Fn(item) => Some(format!("{}fn {}", public(&item.vis), item.sig.ident)),
        syn::Item::Struct(item) => Some(format!("{}struct {}", public(&item.vis), item.ident)),
        syn::Item::Mod(item) => Some(format!("mod {}", item.ident)),
        syn::Item::Impl(item) => {
            let of = item
                .trait_
                .as_ref()
                .map_or_else(String::new, |(_, path, _)| format!("{} for ", path.segments.last().unwrap().ident));
            let methods = methods(&item.items);
            Some(format!("impl {of}{} {{ {}", name(&item.self_ty), methods.join(" ")))
        }
        _ => None,
    };
    file.items.iter().filter_map(line).collect()
}

fn methods(items: &[syn::ImplItem]) -> Vec<String> {
    let name = |item: &syn::ImplItem| match item {
        syn::ImplItem::Fn(item) => Some(item.sig.ident.to_string()),
        _ => None,
    };
    items.iter().filter_map(name).collect()
}

/// Panics unless the sections are in this order.
fn has_in_order(path: &Path, outline: &[String], sections: &[&str]) {
    let mut rest = outline.iter();
    for section in sections {
        let found = rest.any(|item| item.starts_with(section));
        assert!(found, "{}: `{section}` is missing or out of order: {sections:?} in {outline:?}", path.display());
    }
}

#[test]
fn the_files_that_serve_a_transport_have_the_same_sections_in_the_same_order() {
    for transport in Transport::ALL {
        let (path, file) = parsed(SIDES[0], transport);
        // The request, the answer, and for a stream the framing.
        let stream = ["pub fn get", "fn head", "pub struct ", "impl Framing for "];
        let sections = if transport.is_push() { &stream[..] } else { &stream[..1] };
        has_in_order(&path, &outline(&file), sections);
        assert!(outline(&file).iter().find(|item| item.contains("fn ")).unwrap() == "pub fn get", "{}", path.display());
    }
}

#[test]
fn the_files_that_drive_a_transport_have_the_same_sections_in_the_same_order() {
    for transport in Transport::ALL {
        let (path, file) = parsed(SIDES[1], transport);
        let outline = outline(&file);
        let client = outline.iter().find_map(|item| item.strip_prefix("struct ")).unwrap_or("(a private struct)");
        let (client, runs) = (format!("struct {client}"), format!("impl {client} {{ run"));
        has_in_order(&path, &outline, &["pub struct Options", "pub fn run", &client, &runs, "mod tests"]);
    }
}

#[test]
fn the_files_that_predict_a_transport_have_the_same_sections_in_the_same_order() {
    let text = std::fs::read_to_string(root().join("crates").join(SIDES[2]).with_extension("rs")).unwrap();
    let asked = syn::parse_file(&text).unwrap().items.into_iter().find_map(|item| match item {
        syn::Item::Trait(item) if item.ident == "Arithmetic" => Some(item.items),
        _ => None,
    });
    let name = |item: syn::TraitItem| match item {
        syn::TraitItem::Fn(item) => Some(item.sig.ident.to_string()),
        _ => None,
    };
    let asked: Vec<String> = asked.unwrap().into_iter().filter_map(name).collect();
    for transport in Transport::ALL {
        let (path, file) = parsed(SIDES[2], transport);
        has_in_order(&path, &outline(&file), &["pub struct ", "impl Arithmetic for "]);
        let answered = file.items.iter().find_map(|item| match item {
            syn::Item::Impl(item) if item.trait_.is_some() => Some(methods(&item.items)),
            _ => None,
        });
        let answered = answered.unwrap();
        let places: Vec<_> = answered.iter().map(|method| asked.iter().position(|asked| asked == method)).collect();
        assert!(places.is_sorted(), "{}: {answered:?} are not in the order of {asked:?}", path.display());
    }
}

/// Returns the lines of the map in a file's header, from its title to the end of its block.
fn map<'a>(text: &'a str, whose: &str) -> Option<Vec<&'a str>> {
    let (_, map) = text.split_once(&format!("//! The path of one update through this {whose}:\n//!\n//! ```text\n"))?;
    let lines = map.split_once("\n//! ```\n")?.0.lines();
    lines.map(|line| line.strip_prefix("//! ")).collect()
}

#[test]
fn the_map_in_each_transports_header_lists_existing_files() {
    let sides = [("server", "server"), ("loadgen", "client")];
    for (transport, (side, whose)) in Transport::ALL.into_iter().flat_map(|one| sides.map(|side| (one, side))) {
        let own = format!("transport/{}.rs", transport.id().replace('-', "_"));
        let source = root().join("crates").join(side).join("src");
        let path = source.join(&own).display().to_string();
        let text = std::fs::read_to_string(source.join(&own)).unwrap();
        let map = map(&text, whose).unwrap_or_else(|| panic!("{path} has no map"));
        let is_whole = (9..=15).contains(&map.len()) && map.iter().all(|line| line.contains(".rs  "));
        assert!(is_whole, "{path}: a map has 9 to 15 lines, each with a file and what happens there: {map:#?}");
        let words = map.iter().flat_map(|line| line.split([' ', ',', ';', '(', ')']));
        let files: Vec<&str> = words.filter(|word| word.ends_with(".rs")).collect();
        for file in &files {
            let folder = if file.starts_with("feed/") { root().join("crates") } else { source.clone() };
            assert!(folder.join(file).is_file(), "{path}: its map lists {file}, which does not exist");
        }
        assert!(files.contains(&own.as_str()), "{path} is not in its own map");
    }
}

#[test]
fn every_byte_of_a_connection_is_counted() {
    // `accept` rejects, `connection` wraps, and tests are the client; other code with a bare stream could read or write
    // without counting.
    for (path, text) in sources("crates/server/src") {
        let may = ["accept.rs", "connection.rs", "socket.rs", "tests.rs"].iter().any(|file| path.ends_with(file));
        assert!(may || !text.contains("TcpStream"), "{} holds a bare TcpStream", path.display());
    }
}

#[test]
fn only_one_module_reads_the_clock_and_only_one_reads_proc() {
    // The doc comments of other files may mention these; only code counts.
    let code = |text: &str| text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<String>();
    let clock = (vec!["SystemTime::now", "Instant::now"], vec!["feed/src/clock"]);
    let process = (vec!["\"/proc/self", "\"/proc/stat", "\"/proc/sys", "\"/sys/"], vec!["feed/src/process"]);
    for (needles, modules) in [clock, process] {
        for (path, text) in sources("crates") {
            let names = needles.iter().any(|needle| code(&text).contains(needle));
            let here = modules.iter().any(|module| path.to_string_lossy().contains(module)) || path.ends_with(file!());
            assert!(here || !names, "{} contains {needles:?}; only {modules:?} may", path.display());
        }
    }
}

#[test]
fn every_file_has_module_docs() {
    for (path, text) in sources("crates") {
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        assert!(is_test || text.starts_with("//!"), "{} does not start with //!", path.display());
    }
}
