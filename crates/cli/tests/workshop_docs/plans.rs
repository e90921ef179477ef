//! The minutes of the plans, and the instructor's notes on each of their segments.

use std::collections::BTreeSet;

use crate::page;

/// The parts of a segment's notes, in order.
const PARTS: [&str; 6] = ["Say", "Ask", "Expect", "Wrong answers", "Cut", "Fallback"];

/// Returns a plan's rows: minutes and segment.
fn rows(plan: &str) -> Vec<(u32, String)> {
    let cells = |line: &str| line.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = plan.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.filter_map(|row| Some((row[0].parse().ok()?, row[1].clone()))).collect()
}

fn total(plan: &str) -> u32 {
    let rest = plan.split("Total: ").nth(1).expect("a plan has a total");
    rest.split(" minutes").next().unwrap().parse().unwrap()
}

#[test]
fn the_minutes_add_up() {
    for (name, minutes) in [("plan-90-minutes.md", 90), ("plan-half-day.md", 240)] {
        let plan = page(name);
        assert_eq!(total(&plan), minutes, "{name}");
        assert_eq!(rows(&plan).iter().map(|(minutes, _)| minutes).sum::<u32>(), minutes, "{name}");
    }
}

#[test]
fn segments_and_notes_match() {
    let plans = [page("plan-90-minutes.md"), page("plan-half-day.md")];
    let segments: BTreeSet<_> = plans.iter().flat_map(|plan| rows(plan)).map(|(_, segment)| segment).collect();
    let notes = page("instructor.md");
    let noted: BTreeSet<_> = sections(&notes).map(|(title, _)| title.to_owned()).collect();
    let planned: BTreeSet<_> = segments.into_iter().filter(|segment| segment != "Break").collect();
    assert_eq!(noted, planned);
}

fn sections(notes: &str) -> impl Iterator<Item = (&str, &str)> {
    let sections = notes.split("\n## ").skip(1).filter_map(|section| section.split_once('\n'));
    sections.filter(|(title, _)| *title != "The day before")
}

#[test]
fn every_segment_has_six_parts_and_three_wrong_answers() {
    let notes = page("instructor.md");
    for (title, text) in sections(&notes) {
        let parts = text.lines().filter_map(|line| line.strip_prefix("**")?.split_once(".**"));
        let parts: Vec<_> = parts.map(|(part, _)| part).collect();
        assert_eq!(parts, PARTS, "{title}");
        let wrong = text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit())).count();
        assert_eq!(wrong, 3, "{title}: typical wrong answers");
    }
}

/// The reading times follow from the words of the chapters.
#[test]
fn the_table_of_times_has_the_words_of_the_chapters() {
    let readme = page("README.md");
    let rows: Vec<(&str, &str)> = readme
        .lines()
        .filter_map(|line| {
            let (file, rest) = line.strip_prefix("| [")?.split_once("](")?.1.split_once(')')?;
            Some((file, rest.split(" | ").nth(1).filter(|_| line.contains(" min |"))?))
        })
        .collect();
    assert_eq!(rows.len(), 10, "{rows:?}");
    let mut all = 0;
    for (file, words) in rows {
        let counted = page(file).split_whitespace().count();
        assert_eq!(
            words.replace(',', ""),
            counted.to_string(),
            "{file}: correct the words and the minutes that follow"
        );
        all += counted;
    }
    assert!(readme.replace(',', "").contains(&format!("| all | {all} |")), "{all} words in all");
}
