//! The text that the steps of the exercises print.

use std::path::Path;

use feedlab_workshop::exercise::{Bench, Exercise, Failure, Outcome, Progress};

/// The width of wrapped text, columns.
const WIDTH: usize = 100;
/// The length at which a compared value is cut, characters.
const MAX_VALUE: usize = 600;

/// Returns the list of all exercises, one per line.
pub(super) fn list(bench: &Bench, progress: &Progress) -> String {
    let lines = Exercise::ALL.iter().map(|exercise| {
        let state = state(bench, progress, exercise);
        format!(
            "{}  {:18} {:2} min  {state:24} {}\n",
            exercise.number(),
            exercise.name,
            exercise.minutes,
            exercise.title
        )
    });
    let minutes: u32 = Exercise::ALL.iter().map(|exercise| exercise.minutes).sum();
    let passed = Exercise::ALL.iter().filter(|exercise| progress.of(exercise).passed).count();
    let count = Exercise::ALL.len();
    format!("{}{passed} of {count} passed; {minutes} minutes together\n", lines.collect::<String>())
}

fn state(bench: &Bench, progress: &Progress, exercise: &Exercise) -> String {
    let standing = progress.of(exercise);
    let state = match (standing.passed, bench.has_started(exercise)) {
        (true, _) => "passed",
        (false, true) => "started",
        (false, false) => "not started",
    };
    match standing.hints {
        0 => state.to_owned(),
        1 => format!("{state}, 1 hint"),
        hints => format!("{state}, {hints} hints"),
    }
}

/// Returns the task of an exercise.
pub(super) fn task(bench: &Bench, exercise: &Exercise) -> String {
    let Exercise { name, title, minutes, .. } = exercise;
    let head =
        format!("Exercise {} of {}, {name}: {title} ({minutes} min)\n\n", exercise.number(), Exercise::ALL.len());
    format!("{head}  read   {}\n{}\n", bench.reading(exercise).display(), commands(bench, exercise))
}

/// Returns the next commands for an exercise.
fn commands(bench: &Bench, exercise: &Exercise) -> String {
    let name = exercise.name;
    let file = bench.file(exercise);
    format!(
        "  edit   {}\n  check  feedlab workshop check {name}\n  watch  feedlab workshop watch {name}    (checks \
         whenever you save)\n  hint   feedlab workshop hint {name}\n",
        file.display()
    )
}

/// Returns the text for an exercise that does not pass.
pub(super) fn not_yet(bench: &Bench, exercise: &Exercise, outcome: &Outcome) -> String {
    let name = exercise.name;
    let said = match outcome {
        Outcome::DoesNotCompile(errors) => format!("{name} does not compile yet:\n\n{errors}"),
        Outcome::TimedOut { timeout } => {
            format!("{name}: the tests did not end within {timeout:?}. Is there a loop that never exits?\n\n")
        }
        Outcome::Failed(failure) => failed(bench, exercise, failure),
        Outcome::Passed { .. } => String::new(),
    };
    let all =
        format!("  all    cargo test --offline -p feedlab-exercises --features yours --test {}\n", exercise.module());
    format!("{said}{}{all}", commands(bench, exercise))
}

fn failed(bench: &Bench, exercise: &Exercise, failure: &Failure) -> String {
    let Failure { passed, tests, test, message, compared, panicked } = failure;
    let of = if test.is_empty() { format!("{passed}") } else { format!("{passed} of {tests}") };
    let mut text = format!("{}: {of} tests pass. The first that fails:\n\n", exercise.name);
    if !test.is_empty() {
        text.push_str(&format!("  {test}   ({})\n\n", bench.test(exercise).display()));
    }
    if let Some((place, why)) = panicked {
        text.push_str(&indented(&format!("Your code panicked at {place}: {why}"), "    "));
        text.push('\n');
    }
    text.push_str(&indented(message, "    "));
    if let Some((yours, expected)) = compared {
        text.push_str(&format!("\n    yours:    {}\n    expected: {}\n", clipped(yours), clipped(expected)));
    }
    text + "\n"
}

/// Returns the text for an exercise that passes, with our solution.
pub(super) fn passed(bench: &Bench, exercise: &Exercise, tests: usize, solution: &str) -> String {
    let path = bench.solution(exercise);
    format!("{}: all {tests} tests pass.\n\nOur solution ({}):\n\n{solution}\n", exercise.name, path.display())
}

/// Returns the text about the next exercise.
pub(super) fn then(next: Option<&Exercise>) -> String {
    match next {
        Some(Exercise { name, title, minutes, .. }) => {
            format!("Next: {name}, {title} ({minutes} min)\n\n  start  feedlab workshop next\n")
        }
        None => "All exercises have passed. `feedlab workshop list` lists them, and `feedlab workshop reset NAME` \
                 starts one again.\n"
            .to_owned(),
    }
}

/// Returns the text of a hint.
pub(super) fn hint(exercise: &Exercise, number: usize, hints: &[&str], seen: bool) -> String {
    let (name, count) = (exercise.name, hints.len());
    let text = number.checked_sub(1).and_then(|index| hints.get(index)).unwrap_or(&"");
    let more = match (seen, count - number) {
        (true, _) => "You have seen all hints; this is the last one.\n".to_owned(),
        (false, 0) => "This was the last hint.\n".to_owned(),
        (false, 1) => "There is one more hint.\n".to_owned(),
        (false, left) => format!("There are {left} more hints.\n"),
    };
    format!("{name}, hint {number} of {count}\n\n{text}\n\n{more}")
}

/// Returns the text after a reset.
pub(super) fn after_reset(bench: &Bench, exercise: &Exercise, kept: Option<&Path>) -> String {
    let kept = kept.map(|path| format!("Your file is kept as {}\n\n", path.display())).unwrap_or_default();
    format!("{kept}{}", task(bench, exercise))
}

/// Wraps and indents a text.
fn indented(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
                lines.push_str(&format!("{indent}{line}\n"));
                line.clear();
            }
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(&format!("{space}{word}"));
        }
        lines.push_str(&format!("{indent}{line}\n"));
    }
    lines
}

fn clipped(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{} …", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_wrapped_and_long_values_are_clipped() {
        let text = indented(&"word ".repeat(50), "  ");
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.starts_with("  word") && line.len() <= 102));
        assert_eq!(clipped(&"ü".repeat(700)).chars().count(), MAX_VALUE + 2);
    }

    #[test]
    fn the_last_hint_says_that_it_is_the_last() {
        let exercise = &Exercise::ALL[0];
        let hints = ["a", "b", "c"];
        assert!(hint(exercise, 1, &hints, false).ends_with("There are 2 more hints.\n"));
        assert!(hint(exercise, 3, &hints, false).ends_with("This was the last hint.\n"));
        assert!(hint(exercise, 3, &hints, true).contains("hint 3 of 3\n\nc\n\nYou have seen all"));
    }
}
