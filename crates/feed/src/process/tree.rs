//! The processes that a process has started, directly or through others: a server of somebody else may be a shell, a
//! program and its workers. Read from `/proc`; without it, there are none.

use std::collections::HashMap;
use std::fs;

use super::other::{cpu_us, open_fds, rss_bytes};
use super::{TICK_US, Usage};

/// A process that another one has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descendant {
    /// Its id.
    pub pid: u32,
    /// The process group that it belongs to.
    pub group: u32,
    parent: u32,
    /// Whether it has exited, and only waits for its parent to ask why.
    has_exited: bool,
    /// CPU time of all its threads, including ended ones, µs.
    ticks_us: u64,
    /// CPU time of its children that have ended, µs.
    ended_us: u64,
}

/// Returns the running processes that a process has started, directly or through others.
#[must_use]
pub fn descendants(pid: u32) -> Vec<Descendant> {
    tree(pid).into_iter().filter(|process| !process.has_exited).collect()
}

/// Makes this process the parent of each descendant whose own parent exits, so that [`descendants`] finds it. Without
/// this, as on systems other than Linux, such a process is lost from view.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

impl Usage {
    /// Reads the figures of everything that a process has started, without its own; a sum with an unknown part is
    /// `None`, as is the sum of no processes. A process that ends meanwhile is left out.
    #[must_use]
    pub fn of_descendants(pid: u32) -> Self {
        let all = tree(pid);
        if all.is_empty() {
            return Self::default();
        }
        let running = || all.iter().filter(|process| !process.has_exited);
        let sum = |figure: fn(u32) -> Option<u64>| running().filter_map(|process| process.figure(figure)).sum();
        let cpu_us = all.iter().map(Descendant::cpu_us).sum();
        Self { cpu_us: Some(cpu_us), rss_bytes: sum(rss_bytes), open_fds: sum(open_fds) }
    }
}

impl Descendant {
    /// Reads a figure; `None` if the process is gone, and an inner `None` if its figure is not known.
    fn figure(&self, read: fn(u32) -> Option<u64>) -> Option<Option<u64>> {
        let found = read(self.pid);
        let is_gone = || Self::read(self.pid).is_none_or(|now| now.has_exited);
        if found.is_none() && is_gone() { None } else { Some(found) }
    }

    /// CPU time of the process and its ended children, µs: what its threads report is precise but lacks threads that have
    /// ended, and the other figure counts ticks. Neither is ever too large.
    fn cpu_us(&self) -> u64 {
        cpu_us(self.pid).unwrap_or(0).max(self.ticks_us) + self.ended_us
    }

    /// Reads `/proc/PID/stat` (proc_pid_stat(5)).
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses, and may contain spaces and parentheses itself. The first field after it is 3.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        let number = |number: usize| field(number)?.parse::<u32>().ok();
        let ticks = |number: usize| Some(field(number)?.parse::<u64>().ok()? * TICK_US);
        Some(Self {
            pid,
            group: number(5)?,
            parent: number(4)?,
            has_exited: matches!(field(3)?, "Z" | "X"),
            ticks_us: ticks(14)? + ticks(15)?,
            ended_us: ticks(16)? + ticks(17)?,
        })
    }
}

/// Returns all descendants of a process, including those that have exited.
fn tree(pid: u32) -> Vec<Descendant> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut children: HashMap<u32, Vec<Descendant>> = HashMap::new();
    for process in pids.filter_map(Descendant::read) {
        children.entry(process.parent).or_default().push(process);
    }
    let (mut found, mut next) = (Vec::new(), vec![pid]);
    while let Some(pid) = next.pop() {
        // Each list is taken once, so that this ends whatever happened between two readings.
        let own = children.remove(&pid).unwrap_or_default();
        next.extend(own.iter().map(|process| process.pid));
        found.extend(own);
    }
    found
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Read as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn grandchildren_are_found_and_summed_and_ended_threads_and_children_count() {
        let busy = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done";
        // They end by themselves, whether or not this test fails.
        let script = format!("sh -c '{busy}'; sh -c 'sleep 3; true' & echo ready; wait");
        let mut outer =
            Command::new("sh").args(["-c", "sh -c \"$0\"; true", &script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        outer.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        let below: Vec<_> = descendants(outer.id()).iter().map(|process| process.pid).collect();
        assert!(below.len() >= 2, "a shell and a sleeping one: {below:?}");
        assert!(!below.contains(&outer.id()));
        let usage = Usage::of_descendants(outer.id());
        assert!(usage.cpu_us.unwrap() >= TICK_US, "the loop of a grandchild that ended: {usage:?}");
        assert!(usage.rss_bytes.unwrap() > 200_000 && usage.open_fds.unwrap() >= 6, "{usage:?}");
        for process in descendants(outer.id()) {
            let pid = rustix::process::Pid::from_raw(process.pid.cast_signed()).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        outer.kill().unwrap();
        outer.wait().unwrap();
        assert_eq!((descendants(outer.id()), Usage::of_descendants(outer.id())), (vec![], Usage::default()));
    }
}
