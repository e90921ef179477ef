//! Resolves a chapter's links to the served pages.

use super::{FOLDER, library};

/// Resolves the link `to` in the file `from`; both paths start at the root of the repository. `root` is the relative
/// URL of the server's root, as seen from the page (`../`): a reverse proxy may serve it under a path that the server
/// does not know.
///
/// Links to other sites and to other places on the same page stay as they are.
pub(crate) fn resolve(from: &str, to: &str, root: &str) -> String {
    if let Some(page) = to.strip_prefix('/').filter(|page| !page.starts_with('/')) {
        return format!("{root}{page}");
    }
    if to.starts_with(['#', '/']) || has_scheme(to) {
        return to.to_owned();
    }
    let (path, place) = to.find('#').map_or((to, ""), |at| to.split_at(at));
    let Some(path) = joined(from, path) else { return to.to_owned() };
    format!("{root}{}{place}", page_of(&path))
}

/// Returns the path, from the root of the repository, of the file that the link `to` in the file `from` leads to; `None`
/// if it leads elsewhere.
pub(super) fn path_of(from: &str, to: &str) -> Option<String> {
    if to.starts_with(['#', '/']) || has_scheme(to) { None } else { joined(from, to) }
}

/// Whether a resolved link has a target: a link into the repository must name an existing file.
#[cfg(test)]
pub(crate) fn has_target(resolved: &str) -> bool {
    let path = resolved.split(['#', '?']).next().unwrap_or_default();
    if let Some(path) = path.strip_prefix("/workshop/source/") {
        return library::file(path).is_some() || !library::listing(path).is_empty();
    }
    match path.strip_prefix("/workshop/") {
        Some("class") => true,
        Some(chapter) => super::named(chapter).is_some(),
        None => path.starts_with('/') || path.is_empty() || has_scheme(path),
    }
}

/// Returns the URL of a file's page, relative to the root of the server.
fn page_of(path: &str) -> String {
    let name = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".md"));
    match name {
        Some("README") => "workshop".to_owned(),
        Some(name) if !name.contains('/') && library::file(path).is_some() => format!("workshop/{name}"),
        _ if path == FOLDER.trim_end_matches('/') => "workshop".to_owned(),
        _ => format!("workshop/source/{path}"),
    }
}

/// Whether a link starts with a scheme (RFC 3986, section 3.1).
fn has_scheme(link: &str) -> bool {
    let scheme = link.split(':').next().filter(|scheme| scheme.len() < link.len());
    scheme.is_some_and(|scheme| scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
}

/// Joins a relative path to the folder of a file; `None` if the result is outside the repository.
fn joined(from: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_resolve_to_the_served_page_of_their_target() {
        let resolve = |to| resolve("docs/workshop/01-a.md", to, "/");
        assert_eq!(
            resolve("../../crates/server/src/transport/sse.rs#L10"),
            "/workshop/source/crates/server/src/transport/sse.rs#L10"
        );
        assert_eq!(resolve("../wire.md"), "/workshop/source/docs/wire.md");
        assert_eq!(resolve("cards/chat.md"), "/workshop/source/docs/workshop/cards/chat.md");
        assert_eq!(resolve("README.md#plans"), "/workshop#plans");
        for same in [
            "#here",
            "/?preset=far",
            "//example.org/a",
            "https://example.org/a",
            "mailto:a@example.org",
            "../../../etc/passwd",
        ] {
            assert_eq!(resolve(same), same);
        }
    }

    #[test]
    fn f14_links_are_relative_to_the_page() {
        for (to, resolved) in [
            ("../wire.md#cursor", "../../workshop/source/docs/wire.md#cursor"),
            ("README.md", "../../workshop"),
            ("/?preset=far", "../../?preset=far"),
            ("/", "../../"),
            ("//example.org/a", "//example.org/a"),
            ("#here", "#here"),
        ] {
            assert_eq!(resolve("docs/workshop/01-a.md", to, "../../"), resolved);
        }
    }

    #[test]
    fn a_link_without_a_target_is_detected() {
        assert!(has_target("/workshop/source/docs/wire.md#x"));
        assert!(has_target("/workshop/source/crates/server/src/transport"));
        assert!(has_target("/?preset=far") && has_target("https://example.org") && has_target("#a"));
        for nowhere in ["/workshop/source/docs/absent.md", "/workshop/absent", "../../../etc/passwd"] {
            assert!(!has_target(nowhere), "{nowhere}");
        }
    }
}
