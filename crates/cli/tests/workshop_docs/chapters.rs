//! The structure of the chapters, and their links and references.

use crate::{folder, page, pages, root};

/// The headings of every chapter.
const HEADINGS: [&str; 6] = ["Question", "Predict", "Run", "Look", "Read both halves", "Change something"];

fn chapters() -> impl Iterator<Item = (String, String)> {
    pages().into_iter().filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_digit()))
}

#[test]
fn every_chapter_has_the_same_headings_and_is_in_the_index() {
    let index = page("README.md");
    let mut count = 0;
    for (name, text) in chapters() {
        count += 1;
        let headings: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "{name}");
        let title = text.lines().next().unwrap().strip_prefix("# ").unwrap();
        let (number, title) = title.split_once(". ").unwrap();
        assert!(index.contains(&format!("| {number} | [{title}]({name}) |")), "{name} is not in README.md");
        assert!(name.starts_with(&format!("{number:0>2}-")), "{name}");
    }
    assert_eq!(count, 11);
}

#[test]
fn w6_every_chapter_begins_with_objectives_and_ends_with_key_points() {
    let list = |name: &str, text: &str, line: &str| {
        let list = text.split(&format!("\n**{line}**\n\n")).nth(1).unwrap_or_else(|| panic!("{name} lacks: {line}"));
        let list = list.split("\n\n").next().unwrap();
        assert_eq!(list.lines().filter(|line| line.starts_with("- ")).count(), 3, "{name}, {line}");
        assert!(list.lines().all(|line| line.starts_with("- ") || line.starts_with("  ")), "{name}, {line}");
    };
    for (name, text) in chapters() {
        let (before, rest) = text.split_once("\n## Question\n").unwrap();
        list(&name, before, "After this chapter you can:");
        let end = rest.split("\n## Change something\n").nth(1).unwrap();
        list(&name, end, "Key points:");
        let after = end.split("**Key points:**").nth(1).unwrap().split_once("\n\n- ").unwrap().1;
        assert!(after.matches("\n\n").count() <= 1, "{name}: only the link to the next chapter follows");
    }
}

#[test]
fn every_link_has_a_target() {
    let mut count = 0;
    for (name, text) in pages() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_file = !target.starts_with("http") && !target.starts_with('#');
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            assert!(!is_file || folder().join(file).exists(), "{name} links to {target}, which is not there");
            if is_file && !heading.is_empty() {
                let text = std::fs::read_to_string(folder().join(file)).unwrap();
                assert!(anchors(&text).any(|anchor| anchor == heading), "{name} links to {target}: no such heading");
            }
            count += 1;
        }
    }
    assert!(count > 100, "only {count} links");
}

/// Returns the anchors of a text's headings: lowercase words with hyphens between them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let words = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    headings.map(move |heading| words(heading).replace(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'), ""))
}

/// For "Look for `a` and `b` in [file](path)", the names are words in that file.
#[test]
fn every_name_to_look_for_is_in_its_file() {
    let mut count = 0;
    for (name, text) in pages() {
        for (names, path) in pointers(&text.replace('\n', " ")) {
            let code = std::fs::read_to_string(folder().join(&path)).unwrap();
            for wanted in names {
                let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                let there = code.split(|c| !is_word(c)).any(|word| word == wanted);
                assert!(there, "{name} looks for `{wanted}` in {path}, which has no such word");
                count += 1;
            }
        }
    }
    assert!(count > 50, "only {count} names");
}

/// Returns the names that a text says to look for, with their files. "There" refers to the last file mentioned.
fn pointers(text: &str) -> Vec<(Vec<&str>, String)> {
    let mut last = None;
    let mut found = Vec::new();
    for (at, _) in text.match_indices("ook for `") {
        let rest = &text[at..];
        // A browser's file is mentioned without a link; the page's own tests check it.
        let end = [" in [", " there", " in `", " in the same file"].iter().filter_map(|end| rest.find(end)).min();
        let end = end.unwrap_or_else(|| panic!("where is it? {}", &rest[..80.min(rest.len())]));
        let names: Vec<_> = rest[..end].split('`').skip(1).step_by(2).collect();
        if rest[end..].starts_with(" in `") {
            continue;
        }
        if rest[end..].starts_with(" in [") {
            let path = rest[end..].split("](").nth(1).and_then(|rest| rest.split(')').next());
            last = path.map(str::to_owned);
        }
        found.push((names, last.clone().expect("a file was mentioned before")));
    }
    found
}

#[test]
fn pointers_are_parsed_with_their_files() {
    let text = "Look for `a` and `b` in [x.rs](../x.rs): yes. Look for `c` there. Look for `d` in `page.js`.";
    let expected = [(vec!["a", "b"], "../x.rs".to_owned()), (vec!["c"], "../x.rs".to_owned())];
    assert_eq!(pointers(text), expected);
}

#[test]
fn every_recorded_run_has_a_scenario() {
    let text = page("instructor.md");
    let names: Vec<_> = text.split("`recorded/").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    assert!(names.len() >= 14, "{names:?}");
    for name in names {
        assert!(root().join(format!("scenarios/workshop/{name}.toml")).is_file(), "recorded/{name}");
    }
}
