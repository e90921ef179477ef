//! Writing the scenario, without overwriting somebody's work.

use std::path::Path;

use anyhow::Context as _;
use feedlab_feed::bounded;

use crate::exit::bad_input;

/// How the first line of a written file starts; the checksum of the rest follows.
const FIRST: &str = "# Written by feedlab choose, which replaces it unless you edit it; checksum ";

/// Writes a scenario. A file that exists is replaced only if it is as `feedlab choose` wrote it, or with `force`.
pub(super) fn write(file: &Path, scenario: &str, force: bool) -> anyhow::Result<()> {
    if file.exists() && !force && !is_unchanged(file) {
        return Err(bad_input(anyhow::anyhow!(
            "{} exists and is not as feedlab choose wrote it; choose another file with --output FILE, or overwrite it with \
             --force",
            file.display()
        )));
    }
    let text = format!("{FIRST}{:016x}\n{scenario}", checksum(scenario));
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display())).map_err(bad_input)
}

fn is_unchanged(file: &Path) -> bool {
    let Ok(text) = bounded::read_text(file, bounded::TEXT_BYTES) else { return false };
    let Some((first, rest)) = text.split_once('\n') else { return false };
    first.strip_prefix(FIRST).is_some_and(|sum| sum == format!("{:016x}", checksum(rest)))
}

/// FNV-1a with 64 bits (Fowler, Noll, Vo): the same in every version, unlike the standard library's hash.
fn checksum(text: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    text.bytes().fold(OFFSET, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_somebody_else_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("choice.toml");
        write(&file, "a = 1\n", false).unwrap();
        write(&file, "a = 2\n", false).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.ends_with("a = 2\n"));
        std::fs::write(&file, text + "# mine\n").unwrap();
        assert!(write(&file, "a = 3\n", false).unwrap_err().to_string().contains("--force"));
        assert!(std::fs::read_to_string(&file).unwrap().contains("# mine"));
        write(&file, "a = 3\n", true).unwrap();
        assert!(!std::fs::read_to_string(&file).unwrap().contains("# mine"));
    }

    #[test]
    fn the_checksum_is_that_of_the_definition() {
        // Test vectors of the reference implementation.
        assert_eq!((checksum(""), checksum("a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
    }
}
