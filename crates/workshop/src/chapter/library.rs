//! The files that are part of the binary for readers: the workshop's texts, its scenarios, and the code that they show.
//!
//! A debug build reads them from disk each time, so that you can change a chapter without a rebuild.

use std::borrow::Cow;

use rust_embed::Embed;

macro_rules! folders {
    ($($name:ident $folder:tt $prefix:tt;)*) => {
        $(
            #[derive(Embed)]
            #[folder = $folder]
            #[prefix = $prefix]
            #[allow_missing = true]
            struct $name;
        )*

        fn get(path: &str) -> Option<Cow<'static, [u8]>> {
            $(if let Some(file) = $name::get(path) { return Some(file.data); })*
            SINGLE.iter().find(|(name, _)| *name == path).map(|(_, page)| Cow::Borrowed(*page))
        }

        /// Returns the paths of all files, from the root of the repository.
        pub fn names() -> impl Iterator<Item = Cow<'static, str>> {
            SINGLE.iter().map(|(name, _)| Cow::Borrowed(*name))$(.chain($name::iter()))*
        }
    };
}

folders! {
    Chapters "../../docs/workshop" "docs/workshop/";
    Contract "../../docs/contract" "docs/contract/";
    Teams "../../docs/choose" "docs/choose/";
    Scenarios "../../scenarios" "scenarios/";
    Nginx "../cli/src/command/nginx" "crates/cli/src/command/nginx/";
    Exercises "../exercises/src" "crates/exercises/src/";
    ExerciseTests "../exercises/tests" "crates/exercises/tests/";
    Prediction "../experiment/src/predict" "crates/experiment/src/predict/";
    Feed "../feed/src" "crates/feed/src/";
    Loadgen "../loadgen/src" "crates/loadgen/src/";
    Link "../link/src" "crates/link/src/";
    Server "../server/src" "crates/server/src/";
}

macro_rules! single {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../../", $name)).as_slice())),*]
    };
}

/// Single files. From `docs`, these are the pages, the picture of a report and two charts: the pictures of the live page are
/// as large as everything else together, and no served text shows them. From crates that learners read little of, these
/// are the files that the texts link to.
const SINGLE: [(&str, &[u8]); 35] = single![
    "crates/check/src/inspect/judge/buffering.rs",
    "crates/check/src/run.rs",
    "crates/check/src/run/expecting.rs",
    "crates/check/src/trace.rs",
    "crates/experiment/src/class.rs",
    "crates/experiment/src/metric.rs",
    "crates/experiment/src/predict.rs",
    "docs/README.md",
    "docs/architecture.md",
    "docs/check.md",
    "docs/choose.md",
    "docs/client.md",
    "docs/exit-status.md",
    "docs/injected-truth.md",
    "docs/inspect.md",
    "docs/measure.md",
    "docs/read-the-code.md",
    "docs/results-folder.md",
    "docs/scenario-file.md",
    "docs/images/injected-truth.svg",
    "docs/images/choices.svg",
    "docs/images/report.png",
    "docs/limits.md",
    "docs/link.md",
    "docs/live-page.md",
    "docs/metrics.md",
    "docs/nats.md",
    "docs/notes-corrected.md",
    "docs/peers.md",
    "docs/performance.md",
    "docs/proxy.md",
    "docs/scaling.md",
    "docs/wire.md",
    "scripts/peers.d/express.mjs",
    "scripts/peers.d/tutorial.mjs",
];

/// Returns a file, by its path from the root of the repository.
#[must_use]
pub fn file(path: &str) -> Option<Cow<'static, [u8]>> {
    // A debug build reads from disk, so only plain paths like the listed ones are allowed.
    let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if is_plain { get(path) } else { None }
}

/// Returns a text file.
#[must_use]
pub fn text(path: &str) -> Option<String> {
    String::from_utf8(file(path)?.into_owned()).ok()
}

/// Returns the files in a folder and its subfolders, sorted; empty if there is no such folder.
#[must_use]
pub fn listing(folder: &str) -> Vec<String> {
    let within = format!("{}/", folder.trim_end_matches('/'));
    let mut files: Vec<String> = names().filter(|name| name.starts_with(&within)).map(Cow::into_owned).collect();
    files.sort();
    files
}
