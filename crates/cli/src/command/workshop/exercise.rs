//! `feedlab workshop list`, `next`, `check`, `hint`, `reset`: a learner's way through the coding exercises.

use feedlab_workshop::exercise::{self, Bench, Error, Exercise, Outcome, Progress};

use crate::exit::{Exit, bad_input};
use crate::output;

mod text;

/// A step of the way.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Step {
    /// Show the coding exercises, and how far you are
    List,
    /// Begin the next exercise: what to read, what to edit, how to check it
    Next,
    /// Check an exercise: builds its test around your file, and shows the first thing that is missing
    ///
    /// The exit status is 0 when it passes, 1 when it does not, and 2 when it cannot be checked here.
    Check {
        /// Its name [default: the first that has not passed]
        exercise: Option<String>,
    },
    /// Show the next hint for an exercise; there are three
    Hint {
        /// Its name [default: the first that has not passed]
        exercise: Option<String>,
    },
    /// Begin an exercise again; your file is kept beside, as NAME.rs.old
    Reset {
        /// Its name
        exercise: String,
    },
}

/// Goes one step.
pub(crate) fn execute(step: &Step) -> anyhow::Result<Exit> {
    let desk = Desk::open().map_err(told)?;
    match step {
        Step::List => desk.list(),
        Step::Next => desk.next(),
        Step::Check { exercise } => desk.check(exercise.as_deref()),
        Step::Hint { exercise } => desk.hint(exercise.as_deref()),
        Step::Reset { exercise } => desk.reset(exercise),
    }
}

/// Calling it in the wrong place, with a wrong name or over a broken file is wrong usage; anything else is a failure.
fn told(error: Error) -> anyhow::Error {
    if error.is_usage() { bad_input(error) } else { error.into() }
}

/// The clone, and what is remembered about the learner in it.
struct Desk {
    bench: Bench,
    progress: Progress,
}

impl Desk {
    fn open() -> Result<Self, Error> {
        // A current folder that is gone is in no clone.
        let bench = Bench::find(&std::env::current_dir().unwrap_or_default())?;
        let progress = Progress::load(&bench)?;
        Ok(Self { bench, progress })
    }

    /// The exercise of this name, or the first that has not passed; `None` when all have.
    fn exercise(&self, name: Option<&str>) -> anyhow::Result<Option<&'static Exercise>> {
        name.map_or_else(|| Ok(self.progress.next()), |name| Exercise::find(name).map(Some).map_err(told))
    }

    fn list(&self) -> anyhow::Result<Exit> {
        output::data(&text::list(&self.bench, &self.progress))?;
        Ok(Exit::Done)
    }

    fn next(&self) -> anyhow::Result<Exit> {
        let Some(exercise) = self.progress.next() else { return all_done() };
        self.bench.start(exercise).map_err(told)?;
        output::data(&text::task(&self.bench, exercise))?;
        Ok(Exit::Done)
    }

    fn check(mut self, name: Option<&str>) -> anyhow::Result<Exit> {
        let Some(exercise) = self.exercise(name)? else { return all_done() };
        if self.bench.start(exercise).map_err(told)? {
            output::data(&text::task(&self.bench, exercise))?;
        }
        output::advice(&format!("compiling {} … (the first time takes a minute)", self.bench.file(exercise).display()));
        let progress = |line: &str| {
            if ["Compiling ", "Blocking "].iter().any(|word| line.trim_start().starts_with(word)) {
                output::advice(line);
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let outcome = runtime.block_on(exercise::check(&self.bench, exercise, progress)).map_err(told)?;
        self.progress.of_mut(exercise).passed = matches!(outcome, Outcome::Passed { .. });
        self.progress.save(&self.bench).map_err(told)?;
        let Outcome::Passed { tests } = outcome else {
            output::data(&text::not_yet(&self.bench, exercise, &outcome))?;
            return Ok(Exit::Failed);
        };
        let solution = self.bench.read(&self.bench.solution(exercise)).map_err(told)?;
        output::data(&text::passed(&self.bench, exercise, tests, &solution))?;
        output::data(&text::then(self.progress.next()))?;
        Ok(Exit::Done)
    }

    fn hint(mut self, name: Option<&str>) -> anyhow::Result<Exit> {
        let Some(exercise) = self.exercise(name)? else { return all_done() };
        let hints = exercise.hints();
        let shown = self.progress.of(exercise).hints.min(hints.len());
        let number = (shown + 1).min(hints.len());
        self.progress.of_mut(exercise).hints = number;
        self.progress.save(&self.bench).map_err(told)?;
        output::data(&text::hint(exercise, number, &hints, shown == hints.len()))?;
        Ok(Exit::Done)
    }

    fn reset(mut self, name: &str) -> anyhow::Result<Exit> {
        let exercise = Exercise::find(name).map_err(told)?;
        let kept = self.bench.reset(exercise).map_err(told)?;
        *self.progress.of_mut(exercise) = exercise::ExerciseProgress::default();
        self.progress.save(&self.bench).map_err(told)?;
        output::data(&text::begun_anew(&self.bench, exercise, kept.as_deref()))?;
        Ok(Exit::Done)
    }
}

fn all_done() -> anyhow::Result<Exit> {
    output::data(&text::then(None))?;
    Ok(Exit::Done)
}
