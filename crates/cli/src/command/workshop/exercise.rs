//! `feedlab workshop list`, `next`, `check`, `watch`, `hint`, `reset`: a learner's steps through the coding exercises, and
//! the check of a server of their own.

use feedlab_workshop::exercise::{self, Bench, Error, Exercise, ExerciseProgress, Outcome, Progress};

use crate::exit::{Exit, bad_input};
use crate::output;

mod build;
mod own_server;
mod text;
mod watch;

pub(super) use build::build_in_background;

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
    /// Check an exercise now and whenever you save its file, until Ctrl-C
    ///
    /// When it passes, this goes on to the next exercise, unless you named one.
    Watch {
        /// Its name [default: the first that has not passed]
        exercise: Option<String>,
    },
    /// Show the next hint for an exercise; there are three
    Hint {
        /// Its name [default: the first that has not passed]
        exercise: Option<String>,
    },
    /// Start an exercise over; your file is kept as NAME.1.rs, the next one as NAME.2.rs …
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
        Step::Watch { exercise } => watch::watch(workspace, exercise.as_deref()),
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
        self.start(exercise)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        if !runtime.block_on(self.try_out(exercise))? {
            return Ok(Exit::Failed);
        }
        output::data(&text::then(self.progress.next()))?;
        Ok(Exit::Done)
    }

    /// Gives the learner the file to edit and prints the task, unless there is a file already.
    fn start(&self, exercise: &Exercise) -> anyhow::Result<()> {
        if self.bench.start(exercise).map_err(classify)? {
            output::data(&text::task(&self.bench, exercise))?;
        }
        Ok(())
    }

    /// Checks the learner's file once, prints and records the outcome, and returns whether it passes.
    async fn try_out(&mut self, exercise: &Exercise) -> anyhow::Result<bool> {
        output::advice(&format!("compiling {} …", self.bench.file(exercise).display()));
        let mut said = build::Said::default();
        let outcome = exercise::check(&self.bench, exercise, |line| said.line(line)).await.map_err(classify)?;
        let passes = matches!(outcome, Outcome::Passed { .. });
        self.record(|progress| progress.of_mut(exercise).passed = passes)?;
        output::data(&match outcome {
            Outcome::Passed { tests } => {
                let solution = self.bench.read(&self.bench.solution(exercise)).map_err(classify)?;
                text::passed(&self.bench, exercise, tests, &solution)
            }
            outcome => text::not_yet(&self.bench, exercise, &outcome),
        })?;
        Ok(passes)
    }

    /// Changes the progress that is stored now: while one step watches a file, others run in other terminals.
    fn record(&mut self, change: impl FnOnce(&mut Progress)) -> anyhow::Result<()> {
        self.progress = Progress::load(&self.bench).map_err(classify)?;
        change(&mut self.progress);
        self.progress.save(&self.bench).map_err(classify)
    }

    fn hint(mut self, name: Option<&str>) -> anyhow::Result<Exit> {
        let Some(exercise) = self.exercise(name)? else { return all_done() };
        let hints = exercise.hints();
        let shown = self.progress.of(exercise).hints.min(hints.len());
        let number = (shown + 1).min(hints.len());
        self.record(|progress| progress.of_mut(exercise).hints = number)?;
        output::data(&text::hint(exercise, number, &hints, shown == hints.len()))?;
        Ok(Exit::Done)
    }

    fn reset(mut self, name: &str) -> anyhow::Result<Exit> {
        let exercise = Exercise::find(name).map_err(classify)?;
        let kept = self.bench.reset(exercise).map_err(classify)?;
        self.record(|progress| *progress.of_mut(exercise) = ExerciseProgress::default())?;
        output::data(&text::after_reset(&self.bench, exercise, kept.as_deref()))?;
        Ok(Exit::Done)
    }
}

fn all_done() -> anyhow::Result<Exit> {
    output::data(&text::then(None))?;
    Ok(Exit::Done)
}
