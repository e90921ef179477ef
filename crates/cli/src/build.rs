//! What this binary was built from, as `build.rs` found it.

/// feedlab's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The compiler, as `rustc --version` says it.
pub(crate) const RUSTC: &str = env!("FEEDLAB_RUSTC_VERSION");

/// Git revision of the source, with `-dirty` if it was changed; absent outside a checkout.
pub(crate) const REVISION: Option<&str> = option_env!("FEEDLAB_GIT_REVISION");

/// All of it, for `--version`.
pub(crate) const ALL: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("FEEDLAB_BUILT_FROM"), ")");
