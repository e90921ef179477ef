//! The script of the page, and the policy that lets it run and nothing else.

/// The script, which the page contains.
pub(crate) const SCRIPT: &str = include_str!("../../templates/report.js");

/// What a `Content-Security-Policy` lists in `script-src` so that browsers run the script of a report: its hash. The
/// page has it in its own policy; a server that sends a policy has to list it too, or the page is only read.
pub const SCRIPT_SOURCE: &str = "'sha256-o7zstYx3P8H3V1ynAUvPF+/FU5ZqmvvboFQE0IG/I2E='";

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// The most bytes of the script: it is in every report.
    const MOST_BYTES: usize = 12_000;

    #[test]
    fn the_policy_has_the_hash_of_the_script() {
        let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
        assert_eq!(SCRIPT_SOURCE, format!("'sha256-{hash}'"), "after a change of the script");
    }

    #[test]
    fn the_script_is_small_and_reaches_nothing() {
        assert!(SCRIPT.len() <= MOST_BYTES, "{} bytes", SCRIPT.len());
        for forbidden in ["fetch", "XMLHttp", "import", "eval", "innerHTML", "Storage", "cookie", "</", "<!--", "http"]
        {
            assert!(!SCRIPT.contains(forbidden), "{forbidden}");
        }
    }
}
