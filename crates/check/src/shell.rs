//! A command of the user's, run by the shell: `--publish-command` and `--restart-command`.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use crate::limits;

/// Why a command did not do what it is for. It completes a sentence that begins with the name of the option.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShellError {
    /// There is no shell.
    #[error("cannot be started ({0})")]
    NotStarted(std::io::Error),
    /// It failed. Holds the status, and what it wrote to standard error.
    #[error("ended with {0}")]
    Failed(ExitStatus, Vec<u8>),
    /// It still runs. It was killed, with everything that it started.
    #[error("did not end within {}", humantime::format_duration(*.0))]
    TooLong(Duration),
}

/// Runs a command that gets an update in the environment variable `UPDATE`.
pub(crate) async fn publish(command: &str, update: &str) -> Result<(), ShellError> {
    let mut shell = shell(command);
    let mut child = start(shell.env("UPDATE", update).stderr(Stdio::piped()))?;
    let mut stderr = child.stderr.take();
    ended(&mut child, beginning(stderr.as_mut()), limits::COMMAND).await
}

/// Runs a command that may leave a server running, which keeps the command's output open; so nobody reads it.
pub(crate) async fn restart(command: &str) -> Result<(), ShellError> {
    let mut child = start(shell(command).stderr(Stdio::null()))?;
    ended(&mut child, std::future::ready(Vec::new()), limits::RESTART).await
}

/// A shell in a process group of its own, so that it can be ended with everything that it started.
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::null()).process_group(0).kill_on_drop(true);
    shell
}

fn start(shell: &mut Command) -> Result<Child, ShellError> {
    shell.spawn().map_err(ShellError::NotStarted)
}

async fn ended(child: &mut Child, said: impl Future<Output = Vec<u8>>, within: Duration) -> Result<(), ShellError> {
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let ended = tokio::time::timeout(within, async { tokio::join!(said, child.wait()) }).await;
    let (said, status) = ended.map_err(|_| ShellError::TooLong(within))?;
    group.0 = None;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ShellError::Failed(status, said)),
        Err(error) => Err(ShellError::NotStarted(error)),
    }
}

/// A shell and everything that it started. It is killed when it is dropped: when the shell takes too long, and when nobody
/// waits for it any more because the check is interrupted.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        // It may have ended in this moment.
        _ = self.0.map(|group| kill_process_group(group, Signal::KILL));
    }
}

/// The beginning of what a command says. The rest is read and dropped, so that it does not wait for its reader.
async fn beginning(output: Option<&mut (impl AsyncRead + Unpin)>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(output) = output {
        // What it said until an error is enough for a message.
        _ = (&mut *output).take(limits::COMMAND_OUTPUT).read_to_end(&mut said).await;
        _ = tokio::io::copy(output, &mut tokio::io::sink()).await;
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_ended_with_what_it_started() {
        check(async |child| {
            let error = ended(child, std::future::ready(Vec::new()), Duration::from_secs(1)).await.unwrap_err();
            assert!(matches!(error, ShellError::TooLong(_)), "{error}");
        })
        .await;
    }

    #[tokio::test]
    async fn a_command_that_nobody_waits_for_is_ended_with_what_it_started() {
        check(async |child| {
            let ending = ended(child, std::future::ready(Vec::new()), Duration::from_secs(600));
            assert!(tokio::time::timeout(Duration::from_secs(1), ending).await.is_err());
        })
        .await;
    }

    /// Whatever ends a command ends what it started.
    async fn check(end: impl AsyncFnOnce(&mut Child)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let command = format!("sleep 600 & echo $! > {}; wait", path.display());
        end(&mut start(shell(&command).stderr(Stdio::null())).unwrap()).await;
        let pid: i32 = std::fs::read_to_string(path).unwrap().trim().parse().unwrap();
        feedlab_testkit::soon(async {
            while is_running(pid) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Whether a process runs; one that ended and that nobody has waited for does not.
    fn is_running(pid: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z"))
    }
}
