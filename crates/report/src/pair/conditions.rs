//! How the conditions of two runs differ: the machine, the version, the seed, and what the command line changed.

use feedlab_experiment::compare::{Comparison, Setting};
use feedlab_experiment::record::Manifest;
use feedlab_experiment::results::Results;

/// Returns the settings that differ, those that somebody changed first.
pub(crate) fn of([a, b]: [&Results; 2], comparison: &Comparison) -> Vec<Setting> {
    let changed = |manifest: &Manifest| match manifest.changes.as_slice() {
        [] => "nothing".to_owned(),
        changes => changes.join("; "),
    };
    let name = |manifest: &Manifest| manifest.scenario.name.clone();
    let written = [
        ("scenario", [a, b].map(|run| name(&run.manifest))),
        ("changed on the command line", [a, b].map(|run| changed(&run.manifest))),
    ];
    let written = written.into_iter().filter(|(_, [a, b])| a != b);
    let setting = |(name, [a, b]): (&str, [String; 2])| Setting { name: name.to_owned(), a, b };
    written.map(setting).chain(comparison.environment.iter().cloned()).collect()
}
