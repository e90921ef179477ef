//! `feedlab workshop watch`: checks an exercise now and whenever its file is saved.

use feedlab_workshop::exercise::{Exercise, Saves};

use super::{Workspace, all_done, text};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output;

/// Watches the exercise of this name until Ctrl-C; without a name, one exercise after the other until all have passed.
pub(super) fn watch(mut workspace: Workspace, name: Option<&str>) -> anyhow::Result<Exit> {
    let Some(first) = workspace.exercise(name)? else { return all_done() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let signals = Interrupt::listen()?;
        tokio::select! {
            ended = follow(&mut workspace, first, name.is_some()) => ended,
            // This drops the check, which ends cargo and the test.
            () = signals.stop.cancelled() => {
                output::advice("\nstopped; your file is as you saved it");
                Ok(Exit::Done)
            }
        }
    })
}

async fn follow(workspace: &mut Workspace, first: &'static Exercise, is_named: bool) -> anyhow::Result<Exit> {
    let mut exercise = first;
    loop {
        workspace.start(exercise)?;
        let mut saves = Saves::of(&workspace.bench, exercise);
        until_passed(workspace, exercise, &mut saves).await?;
        let next = workspace.progress.next();
        match next {
            Some(next) if !is_named => {
                exercise = next;
                // A task that has no file yet is printed by `start`.
                if workspace.bench.has_started(next) {
                    output::data(&text::task(&workspace.bench, next))?;
                }
            }
            None if !is_named => return all_done(),
            _ => {
                output::data(&text::then(next))?;
                wait(workspace, exercise, &mut saves).await;
            }
        }
    }
}

/// Checks the file until it passes. A save during a check starts it over: the file may have had a loop that never ends.
async fn until_passed(workspace: &mut Workspace, exercise: &Exercise, saves: &mut Saves) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            passes = workspace.try_out(exercise) => {
                if passes? {
                    return Ok(());
                }
                wait(workspace, exercise, saves).await;
            }
            () = saves.next() => {}
        }
    }
}

async fn wait(workspace: &Workspace, exercise: &Exercise, saves: &mut Saves) {
    let file = workspace.bench.file(exercise);
    output::advice(&format!("watching {}: save it to check it again (Ctrl-C ends)", file.display()));
    saves.next().await;
}
