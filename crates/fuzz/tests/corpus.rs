//! Runs every target on its corpus: the seeds that libFuzzer starts from, and the inputs that once found a bug.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends at the first surprise, whose input it names"
)]

use std::fs;
use std::path::{Path, PathBuf};

use feedlab_fuzz::{MAX_INPUT_BYTES, TARGETS, Target};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// Returns the files below a folder whose names end in this way.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(self::files(&path, ending)),
            false if path.to_string_lossy().ends_with(ending) => files.push(path),
            false => {}
        }
    }
    files
}

fn run(target: Target, seeds: &[PathBuf]) {
    assert!(!seeds.is_empty(), "{} has no corpus", target.name);
    for seed in seeds {
        eprintln!("{} {}", target.name, seed.display());
        assert!(target.run(&fs::read(seed).unwrap()), "{} has more than {MAX_INPUT_BYTES} bytes", seed.display());
    }
}

#[test]
fn every_target_finds_nothing_in_its_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        run(target, &files(&corpus.join(target.name), ""));
    }
    let folders = fs::read_dir(&corpus).unwrap().count();
    assert_eq!(folders, TARGETS.len(), "each folder of the corpus is a target's");
}

#[test]
fn the_scenarios_of_the_repository_are_seeds_too() {
    let is_seed = |path: &PathBuf| fs::metadata(path).unwrap().len() <= MAX_INPUT_BYTES as u64;
    let scenarios = files(&root().join("scenarios"), ".toml").into_iter();
    let (seeds, too_long): (Vec<_>, Vec<_>) = scenarios.partition(is_seed);
    run(Target::named("scenario").unwrap(), &seeds);
    // libFuzzer leaves these out. If there are more, it is time for a larger bound.
    assert!(too_long.len() <= 1, "{too_long:?} have more than {MAX_INPUT_BYTES} bytes");
}

#[test]
fn the_script_gives_libfuzzer_the_declared_bound() {
    let script = fs::read_to_string(root().join("scripts/fuzz")).unwrap();
    assert!(script.contains(&format!("-max_len={MAX_INPUT_BYTES}")), "scripts/fuzz has another bound");
}
