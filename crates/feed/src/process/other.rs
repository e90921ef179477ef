//! The resources that another process uses, together with its children: nginx is a master with workers, which a reload
//! replaces.

use std::fs;

use super::{TICK_US, Usage, field_kib};

impl Usage {
    /// Reads the figures of a process and its children; a sum with an unknown part is `None`.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let all: Vec<u32> = std::iter::once(pid).chain(children(pid)).collect();
        let sum = |figure: fn(u32) -> Option<u64>| all.iter().map(|pid| figure(*pid)).sum::<Option<u64>>();
        let cpu_us = sum(cpu_us).zip(ended_us(pid)).map(|(own, ended)| own + ended);
        Self { cpu_us, rss_bytes: sum(rss_bytes), open_fds: sum(open_fds) }
    }
}

/// proc_pid_task(5): the children of the first thread, the only one that starts processes here.
fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// CPU time of the process's current threads, µs: the first figure of `/proc/PID/task/TID/schedstat` is in ns, whereas
/// `/proc/PID/stat` counts ticks of 10 ms.
pub(super) fn cpu_us(pid: u32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let of_task = |path: std::path::PathBuf| fs::read_to_string(path.join("schedstat")).ok();
    let texts = tasks.filter_map(Result::ok).filter_map(|task| of_task(task.path()));
    texts.map(|text| text.split_whitespace().next()?.parse::<u64>().ok()).sum::<Option<u64>>().map(|ns| ns / 1_000)
}

/// CPU time of the children that have ended, µs (proc_pid_stat(5), `cutime` and `cstime`).
fn ended_us(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses, and may contain spaces and parentheses itself.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some((ticks(16)? + ticks(17)?) * TICK_US)
}

pub(super) fn rss_bytes(pid: u32) -> Option<u64> {
    field_kib(&format!("/proc/{pid}/smaps_rollup"), "Rss:")
        .or_else(|| field_kib(&format!("/proc/{pid}/status"), "VmRSS:"))
}

pub(super) fn open_fds(pid: u32) -> Option<u64> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_measured_with_its_children_including_ended_ones() {
        let script = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done";
        // The second child ends by itself, whether or not this test fails.
        let line = format!("sh -c '{script}'; sleep 3 & echo ready; wait");
        let mut shell = Command::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let pid = shell.id();
        let usage = Usage::of(pid);
        assert!(usage.cpu_us.unwrap() >= TICK_US, "the loop of the child that ended: {usage:?}");
        assert!(usage.rss_bytes.unwrap() > 100_000);
        let alone = open_fds(pid).unwrap();
        assert!(alone >= 3 && usage.open_fds.unwrap() >= alone + 3, "the sleeping child's too: {usage:?}");
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert_eq!(Usage::of(pid), Usage::default(), "the process is gone");
    }
}
