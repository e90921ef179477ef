//! The list of exercises compared with the crate of exercises, and the parsing of a test's output.

use std::fs;
use std::path::Path;

use super::*;

fn bench() -> Bench {
    Bench::find(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Creates a clone that has only the files that are copied and read.
fn scratch() -> (tempfile::TempDir, Bench) {
    let folder = tempfile::tempdir().unwrap();
    let exercises = folder.path().join("crates/exercises");
    fs::create_dir_all(exercises.join("src/start")).unwrap();
    fs::create_dir_all(folder.path().join("docs/workshop")).unwrap();
    fs::write(exercises.join("Cargo.toml"), "").unwrap();
    fs::write(exercises.join("src/start/keepalive.rs"), "//! the start\n").unwrap();
    let bench = Bench::find(&exercises.join("src")).unwrap();
    (folder, bench)
}

#[test]
fn each_exercise_has_three_hints_a_start_a_solution_and_tests() {
    let bench = bench();
    for exercise in Exercise::ALL {
        assert_eq!(exercise.hints().len(), 3, "{}", exercise.name);
        assert!(exercise.hints().iter().all(|hint| hint.len() > 100), "{}: a hint is too short", exercise.name);
        let start = format!("crates/exercises/src/start/{}.rs", exercise.module());
        let start = bench.read(Path::new(&start)).unwrap();
        let title = format!("//! Exercise {}, `{}`: {}", exercise.number(), exercise.name, exercise.title);
        assert!(start.starts_with(&title), "{} does not begin with {title:?}", exercise.name);
        assert!(start.contains("// Your turn:") && start.contains("**Both halves in feedlab**"), "{}", exercise.name);
        let solution = bench.read(&bench.solution(exercise)).unwrap();
        assert!(!solution.contains("Your turn"), "{}", exercise.name);
        let tests = bench.read(&bench.test(exercise)).unwrap().matches("::test(start_paused").count();
        let plain = bench.read(&bench.test(exercise)).unwrap().matches("#[test]").count();
        assert!((3..=8).contains(&(tests + plain)), "{}: {} tests", exercise.name, tests + plain);
    }
}

#[test]
fn every_path_that_an_exercise_names_exists() {
    let bench = bench();
    let texts = ["crates/exercises/src/start", "crates/exercises/src/solution"].map(|folder| bench.root().join(folder));
    let files = texts.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    for file in files.chain([bench.root().join("docs/workshop/exercises.md")]) {
        let text = fs::read_to_string(&file).unwrap();
        for path in text
            .split('`')
            .filter(|word| word.starts_with("crates/") && !word.contains("/yours") || word.starts_with("scripts/"))
        {
            assert!(bench.root().join(path).exists(), "{} names {path}", file.display());
        }
    }
}

#[test]
fn the_page_of_the_exercises_lists_their_titles_and_minutes() {
    let text = bench().read(Path::new("docs/workshop/exercises.md")).unwrap();
    for exercise in Exercise::ALL {
        let (number, name) = (exercise.number(), exercise.name);
        assert!(text.contains(&format!("\n## {number}. `{name}`: {}\n", exercise.title)), "the section of {name}");
        assert!(text.contains(&format!("\n| {number} | `{name}` | {} | ", exercise.minutes)), "the row of {name}");
    }
}

#[test]
fn an_unknown_exercise_is_reported_with_the_list() {
    let error = Exercise::find("sse").unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("sse-parser, poll-cursor"), "{error}");
    assert!(Bench::find(Path::new("/")).unwrap_err().to_string().starts_with("/ is not in a clone"));
}

#[test]
fn a_start_is_copied_once() {
    let (_folder, bench) = scratch();
    let exercise = Exercise::find("keepalive").unwrap();
    assert!(!bench.has_started(exercise));
    assert!(bench.start(exercise).unwrap());
    bench.write(&bench.file(exercise), "mine").unwrap();
    assert!(!bench.start(exercise).unwrap(), "the learner's file is not overwritten");
    assert_eq!(bench.read(&bench.file(exercise)).unwrap(), "mine");
}

#[test]
fn w2_no_reset_loses_what_a_learner_wrote() {
    let (_folder, bench) = scratch();
    let exercise = Exercise::find("keepalive").unwrap();
    let reset = |text: &str| {
        bench.write(&bench.file(exercise), text).unwrap();
        let kept = bench.reset(exercise).unwrap();
        assert_eq!(bench.read(&bench.file(exercise)).unwrap(), "//! the start\n");
        kept.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
    };
    assert_eq!(reset("mine").as_deref(), Some("keepalive.1.rs"));
    assert_eq!(reset("mine too").as_deref(), Some("keepalive.2.rs"));
    assert_eq!(reset("//! the start\n"), None, "there is nothing to keep");
    assert_eq!(bench.reset(exercise).unwrap(), None);
    let copy = |number| bench.read(&bench.file(exercise).with_extension(format!("{number}.rs"))).unwrap();
    assert_eq!((copy(1), copy(2)), ("mine".to_owned(), "mine too".to_owned()));
    fs::remove_file(bench.root().join(bench.file(exercise))).unwrap();
    assert_eq!(bench.reset(exercise).unwrap(), None, "there was no file");
    assert!(bench.has_started(exercise));
}

#[test]
fn the_text_to_read_is_the_chapter_with_the_marker() {
    let (_folder, bench) = scratch();
    let exercise = Exercise::find("keepalive").unwrap();
    assert_eq!(bench.reading(exercise), Path::new("docs/workshop/exercises.md"));
    for (name, mark) in [("exercises", "keepalive"), ("b", "keepalive"), ("a", "clean-up")] {
        let text = format!("text\n<!-- exercise: {mark} -->\n");
        fs::write(bench.root().join(format!("docs/workshop/{name}.md")), text).unwrap();
    }
    assert_eq!(bench.reading(exercise), Path::new("docs/workshop/b.md"));
}

#[test]
fn progress_is_saved_and_an_invalid_file_is_reported() {
    let (_folder, bench) = scratch();
    let mut progress = Progress::load(&bench).unwrap();
    assert_eq!(progress.next().unwrap().name, "sse-parser");
    *progress.of_mut(&Exercise::ALL[0]) = ExerciseProgress { hints: 2, passed: true };
    progress.save(&bench).unwrap();
    let progress = Progress::load(&bench).unwrap();
    assert_eq!((progress.of(&Exercise::ALL[0]).hints, progress.next().unwrap().name), (2, "poll-cursor"));
    for broken in ["", "[]", r#"{"exercises":{"keepalive":{"hints":-1}}}"#, &"x".repeat(100_000)] {
        fs::write(bench.yours().join("progress.json"), broken).unwrap();
        let error = Progress::load(&bench).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("delete it"), "{error}");
    }
}

const OUTPUT: &str = "
running 3 tests
test a_first ... FAILED
test b_second ... FAILED
test c_third ... ok

failures:

---- a_first stdout ----

thread 'a_first' (7) panicked at crates/exercises/tests/x.rs:9:5:
other

---- b_second stdout ----

thread 'b_second' (8) panicked at crates/exercises/tests/../yours/x.rs:3:1:
index out of bounds
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

thread 'b_second' (8) panicked at crates/exercises/tests/x.rs:5:5:
assertion `left == right` failed: two are
enough
  left: [1]
 right: [1, 2]


failures:
    a_first
    b_second

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

#[test]
fn the_first_failure_in_the_file_is_summarized() {
    let expected = Failure {
        passed: 1,
        tests: 3,
        test: "b second".to_owned(),
        message: "two are\nenough".to_owned(),
        compared: Some(("[1]".to_owned(), "[1, 2]".to_owned())),
        panicked: Some(("crates/exercises/yours/x.rs:3:1".to_owned(), "index out of bounds".to_owned())),
    };
    assert_eq!(verdict::read(OUTPUT, "fn b_second() fn a_first() fn c_third()"), Outcome::Failed(expected));
    let Outcome::Failed(other) = verdict::read(OUTPUT, "fn a_first() fn b_second()") else { panic!("it fails") };
    assert_eq!((&*other.test, &*other.message, other.compared), ("a first", "other", None));
}

#[test]
fn output_without_a_result_has_not_passed() {
    for output in ["", "running 2 tests\ntest a ... ok\n"] {
        assert!(matches!(verdict::read(output, ""), Outcome::Failed(_)), "{output}");
    }
    let passed = "test a ... ok\n\ntest result: ok. 1 passed; 0 failed\n";
    assert_eq!(verdict::read(passed, ""), Outcome::Passed { tests: 1 });
}
