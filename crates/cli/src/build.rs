//! What this binary was built from, as determined by `build.rs`.

/// feedlab's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The compiler, as reported by `rustc --version`.
pub(crate) const RUSTC: &str = env!("FEEDLAB_RUSTC_VERSION");

/// Git revision of the source, with `-dirty` if it was changed; absent outside a checkout.
pub(crate) const REVISION: Option<&str> = option_env!("FEEDLAB_GIT_REVISION");

/// The version and what it was built from, for `--version`.
pub(crate) const ALL: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("FEEDLAB_BUILT_FROM"), ")");
