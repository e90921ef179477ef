//! What a chapter consists of, and what it points at.

use crate::{folder, page, pages, root};

/// The way of every chapter.
const HEADINGS: [&str; 6] = ["Question", "Predict", "Run", "Look", "Read both halves", "Change something"];

fn chapters() -> impl Iterator<Item = (String, String)> {
    pages().into_iter().filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_digit()))
}

#[test]
fn every_chapter_goes_the_same_way_and_is_in_the_index() {
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
    assert_eq!(count, 10);
}

#[test]
fn every_link_leads_somewhere() {
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

/// What the headings of a text are called in an address: words in small letters, with hyphens between them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let words = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    headings.map(move |heading| words(heading).replace(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'), ""))
}

/// "Look for `a` and `b` in [file](path)": the names are in that file, as words.
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

/// The names that a text tells to look for, with the file where. "There" is the file that was named last.
fn pointers(text: &str) -> Vec<(Vec<&str>, String)> {
    let mut last = None;
    let mut found = Vec::new();
    for (at, _) in text.match_indices("ook for `") {
        let rest = &text[at..];
        // A browser's file is named without a link; what it has is the page's own tests' affair.
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
        found.push((names, last.clone().expect("a file was named before")));
    }
    found
}

#[test]
fn pointers_are_read_as_they_are_meant() {
    let text = "Look for `a` and `b` in [x.rs](../x.rs): yes. Look for `c` there. Look for `d` in `page.js`.";
    let expected = [(vec!["a", "b"], "../x.rs".to_owned()), (vec!["c"], "../x.rs".to_owned())];
    assert_eq!(pointers(text), expected);
}

#[test]
fn every_recorded_run_is_one_of_a_scenario() {
    let text = page("instructor.md");
    let names: Vec<_> = text.split("`recorded/").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    assert!(names.len() >= 14, "{names:?}");
    for name in names {
        assert!(root().join(format!("scenarios/workshop/{name}.toml")).is_file(), "recorded/{name}");
    }
}
