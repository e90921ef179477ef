//! `feedlab workshop list`, `next`, `check`, `hint`, `reset`: a learner's steps through the coding exercises, and the check
//! of a server of their own.

use feedlab_workshop::exercise::{self, Bench, Error, Exercise, Outcome, Progress};

use crate::exit::{Exit, bad_input};
use crate::output;

mod own_server;
mod text;

/// A step through the exercises.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Step {
    /// List the coding exercises, and your progress
    List,
    /// Start the next exercise: what to read, what to edit, how to check it
    Next,
    /// Check an exercise: build its tests with your file, and show the first one that fails
    ///
    /// With --url it checks a server of your own, in any language, in the stages of chapter 11: it asks for your
    /// prediction, tries the cases of the stage, and stops at the first stage that fails. The exit status is 0 if the
    /// exercise or every stage passes, 1 if not, and 2 if it cannot be checked here.
    Check {
        /// Its name [default: the first that has not passed]
        exercise: Option<String>,

        /// Check your own server at this address instead, as in http://127.0.0.1:8070
        #[arg(long, conflicts_with = "exercise")]
        url: Option<String>,

        /// Only this stage of your server
        #[arg(long, value_name = "N", requires = "url")]
        stage: Option<u8>,
    },
    /// Show the next hint for an exercise; there are three
    Hint {
        /// Its name [default: the first that has not passed]
        exercise: Option<String>,
    },
    /// Start an exercise again; your file is kept as NAME.rs.old
    Reset {
        /// Its name
        exercise: String,
    },
}

/// Runs one step.
pub(crate) fn execute(step: &Step) -> anyhow::Result<Exit> {
    if let Step::Check { url: Some(url), stage, .. } = step {
        return own_server::check(url, *stage);
    }
    let workspace = Workspace::open().map_err(classify)?;
    match step {
        Step::List => workspace.list(),
        Step::Next => workspace.next(),
        Step::Check { exercise, .. } => workspace.check(exercise.as_deref()),
        Step::Hint { exercise } => workspace.hint(exercise.as_deref()),
        Step::Reset { exercise } => workspace.reset(exercise),
    }
}

/// Returns wrong usage for a wrong folder, a wrong name or a broken file, and a failure for anything else.
fn classify(error: Error) -> anyhow::Error {
    if error.is_usage() { bad_input(error) } else { error.into() }
}

/// The repository clone, and the learner's progress in it.
struct Workspace {
    bench: Bench,
    progress: Progress,
}

impl Workspace {
    fn open() -> Result<Self, Error> {
        // If the current folder is gone, it is not in a clone.
        let bench = Bench::find(&std::env::current_dir().unwrap_or_default())?;
        let progress = Progress::load(&bench)?;
        Ok(Self { bench, progress })
    }

    /// Returns the exercise of this name, or the first that has not passed; `None` if all have passed.
    fn exercise(&self, name: Option<&str>) -> anyhow::Result<Option<&'static Exercise>> {
        name.map_or_else(|| Ok(self.progress.next()), |name| Exercise::find(name).map(Some).map_err(classify))
    }

    fn list(&self) -> anyhow::Result<Exit> {
        output::data(&text::list(&self.bench, &self.progress))?;
        Ok(Exit::Done)
    }

    fn next(&self) -> anyhow::Result<Exit> {
        let Some(exercise) = self.progress.next() else { return all_done() };
        self.bench.start(exercise).map_err(classify)?;
        output::data(&text::task(&self.bench, exercise))?;
        Ok(Exit::Done)
    }

    fn check(mut self, name: Option<&str>) -> anyhow::Result<Exit> {
        let Some(exercise) = self.exercise(name)? else { return all_done() };
        if self.bench.start(exercise).map_err(classify)? {
            output::data(&text::task(&self.bench, exercise))?;
        }
        output::advice(&format!("compiling {} … (takes a minute the first time)", self.bench.file(exercise).display()));
        let progress = |line: &str| {
            if ["Compiling ", "Blocking "].iter().any(|word| line.trim_start().starts_with(word)) {
                output::advice(line);
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let outcome = runtime.block_on(exercise::check(&self.bench, exercise, progress)).map_err(classify)?;
        self.progress.of_mut(exercise).passed = matches!(outcome, Outcome::Passed { .. });
        self.progress.save(&self.bench).map_err(classify)?;
        let Outcome::Passed { tests } = outcome else {
            output::data(&text::not_yet(&self.bench, exercise, &outcome))?;
            return Ok(Exit::Failed);
        };
        let solution = self.bench.read(&self.bench.solution(exercise)).map_err(classify)?;
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
        self.progress.save(&self.bench).map_err(classify)?;
        output::data(&text::hint(exercise, number, &hints, shown == hints.len()))?;
        Ok(Exit::Done)
    }

    fn reset(mut self, name: &str) -> anyhow::Result<Exit> {
        let exercise = Exercise::find(name).map_err(classify)?;
        let kept = self.bench.reset(exercise).map_err(classify)?;
        *self.progress.of_mut(exercise) = exercise::ExerciseProgress::default();
        self.progress.save(&self.bench).map_err(classify)?;
        output::data(&text::after_reset(&self.bench, exercise, kept.as_deref()))?;
        Ok(Exit::Done)
    }
}

fn all_done() -> anyhow::Result<Exit> {
    output::data(&text::then(None))?;
    Ok(Exit::Done)
}
