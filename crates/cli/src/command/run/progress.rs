//! The progress of a run: a bar with the time left on a terminal, and occasional lines elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::record::Second;
use feedlab_experiment::scenario::{Fault, FaultKind, LinkFault, ProcessFault};
use feedlab_feed::clock;
use feedlab_loadgen::{Event, Phase};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::needs::for_people;
use super::precise;
use crate::output;

/// Phases shorter than this many seconds get no line, except the measured one.
const WORTH_A_LINE_S: f64 = 5.0;

/// The progress display of one run.
#[derive(Debug)]
pub(super) struct Progress {
    /// `None` unless standard error is a terminal.
    bar: Option<ProgressBar>,
    /// The number of cells.
    cells: usize,
    /// The planned time of a cell.
    cell_time: Duration,
    /// The planned time of the scenarios after this one.
    later: Duration,
    /// The number of the current cell, from 1.
    current: usize,
    /// The title of the current cell.
    title: String,
    /// When the current cell began.
    began: Instant,
    /// The kinds of faults of the current cell that have been shown.
    shown: Vec<FaultKind>,
}

impl Progress {
    /// Prints what will be measured, and for how long. `finished` cells of an earlier process are already there.
    pub(super) fn new(
        scenario: &Scenario,
        (finished, cells): (usize, usize),
        cell_time: Duration,
        later: Duration,
    ) -> Self {
        let time_of = |cells: usize| cell_time * u32::try_from(cells).unwrap_or(u32::MAX);
        let own = time_of(cells.saturating_sub(finished));
        let takes = for_people(own);
        output::advice(&format!("{}: {}", scenario.name, scenario.question));
        let plural = if cells == 1 { "" } else { "s" };
        let counted = format!("{cells} cell{plural}");
        output::advice(&match (&scenario.precision, finished) {
            (_, 1..) => format!("{finished} of {cells} cells are done; the others take about {takes}"),
            (None, 0) => format!("{counted}, about {takes}"),
            (Some(precision), 0) => precise::plan_line(precision, &counted, &takes),
        });
        if !later.is_zero() {
            output::advice(&format!("with the scenarios after it, about {}", for_people(own + later)));
        }
        let bar = draws_bars().then(|| bar(time_of(cells)));
        let (current, began) = (finished, clock::now());
        Self { bar, cells, cell_time, later, current, title: String::new(), began, shown: Vec::new() }
    }

    /// Adds cells to the plan, and shows why.
    pub(super) fn extend(&mut self, cells: usize, why: &str) {
        self.cells += cells;
        if let Some(bar) = &self.bar {
            bar.set_length(clock::micros(self.of_cells(self.cells)));
        }
        self.say(why);
    }

    /// Returns the planned time of a number of cells.
    pub(super) fn of_cells(&self, cells: usize) -> Duration {
        self.cell_time * u32::try_from(cells).unwrap_or(u32::MAX)
    }

    /// Shows that the next cell begins.
    pub(super) fn cell(&mut self, scenario: &Scenario, cell: &Cell) {
        self.current += 1;
        self.title = title(scenario, cell);
        self.began = clock::now();
        self.shown.clear();
        self.phase("starting");
    }

    /// Shows an event of the load generator.
    pub(super) fn event(&mut self, event: &Event, faults: &[Fault]) {
        // A display that shows nothing has no cells.
        if self.cells == 0 {
            return;
        }
        match event {
            Event::Phase { phase, seconds } => self.enter(*phase, *seconds),
            Event::Fault { index } => self.fault(faults.get(*index)),
            _ => {}
        }
    }

    /// Shows one measured second, of all machines together.
    pub(super) fn live(&self, second: &Second) {
        let ms = |us: Option<u64>| us.map_or_else(|| "—".to_owned(), |us| format!("{:.1} ms", us as f64 / 1e3));
        let Second { second, updates, age_p50_us, age_p99_us, age_max_us, .. } = second;
        let (p50, p99, max) = (ms(*age_p50_us), ms(*age_p99_us), ms(*age_max_us));
        self.say(&format!(
            "{}: second {}: {updates} updates, age p50 {p50}, p99 {p99}, max {max}",
            self.place(),
            second + 1
        ));
    }

    /// Shows a fault. One that repeats is shown once.
    fn fault(&mut self, fault: Option<&Fault>) {
        let Some(kind) = fault.map(|fault| fault.kind).filter(|kind| !self.shown.contains(kind)) else { return };
        self.shown.push(kind);
        if self.bar.is_none() {
            self.say(&format!("{}: {}", self.place(), what(kind)));
        }
    }

    fn enter(&mut self, phase: Phase, seconds: f64) {
        let phase_name = name(phase);
        if self.bar.is_some() {
            self.phase(phase_name);
        } else if phase == Phase::Measure || seconds >= WORTH_A_LINE_S {
            let digits = usize::from(seconds < 1.0);
            self.say(&format!("{}: {phase_name}, {seconds:.digits$} s", self.place()));
        }
    }

    /// Returns a display that shows nothing, for a run that is merged from parts and for cells outside of a run.
    pub(super) fn silent() -> Self {
        let (cell_time, later, began) = (Duration::ZERO, Duration::ZERO, clock::now());
        Self { bar: None, cells: 0, cell_time, later, current: 0, title: String::new(), began, shown: Vec::new() }
    }

    /// Redraws the bar for the current time.
    pub(super) fn redraw(&self) {
        let Some(bar) = &self.bar else { return };
        let done = self.done(self.began.elapsed());
        bar.set_position(clock::micros(done));
        bar.set_prefix(for_people(self.left(done)));
    }

    /// Returns how much of this scenario's planned time is done, after `within` in the current cell. A cell that takes
    /// longer than planned counts as done.
    fn done(&self, within: Duration) -> Duration {
        self.of_cells(self.current.saturating_sub(1)) + within.min(self.cell_time)
    }

    /// Returns the planned time that is left, including the scenarios after this one.
    fn left(&self, done: Duration) -> Duration {
        self.of_cells(self.cells).saturating_sub(done) + self.later
    }

    /// Prints a line above the bar.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::advice(line)),
            None => output::advice(line),
        }
    }

    /// Removes the bar.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn phase(&self, phase: &'static str) {
        if let Some(bar) = &self.bar {
            self.redraw();
            // The phase first: it changes, and a narrow terminal cuts the end.
            bar.set_message(format!("[{}/{}] {phase}: {}", self.current, self.cells, self.title));
        }
    }

    /// `[2/4] SSE, 20 clients`
    fn place(&self) -> String {
        format!("[{}/{}] {}", self.current, self.cells, self.title)
    }
}

fn draws_bars() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Without color, so that there is none to disable.
fn bar(total: Duration) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(clock::micros(total)), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("[{bar:24}] {prefix} left  {wide_msg}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

fn title(scenario: &Scenario, cell: &Cell) -> String {
    let plural = if cell.clients == 1 { "" } else { "s" };
    let payload = cell.payload_bytes.map(|bytes| format!(", {bytes} B")).unwrap_or_default();
    let title = format!("{}, {} client{plural}{payload}", scenario.contenders[cell.contender].label, cell.clients);
    match scenario.measure.repetitions {
        1 => title,
        _ if scenario.precision.is_some() => format!("{title}, repetition {}", cell.repetition),
        of => format!("{title}, {} of {of}", cell.repetition),
    }
}

const fn what(fault: FaultKind) -> &'static str {
    match fault {
        FaultKind::Link(LinkFault::Cut) => "connections are cut",
        FaultKind::Link(LinkFault::Reset) => "connections are reset",
        FaultKind::Link(LinkFault::BlackHole) => "nothing gets through",
        FaultKind::Link(LinkFault::Ramp) => "the round trip grows",
        FaultKind::Link(LinkFault::Refuse) => "new connections are refused",
        FaultKind::Link(LinkFault::Status503) => "new connections are answered with 503",
        FaultKind::Link(LinkFault::Status204) => "new connections are answered with 204",
        FaultKind::Link(LinkFault::WrongType) => "new connections are answered with an HTML page",
        FaultKind::Process(ProcessFault::Restart) => "a server is restarted",
        FaultKind::Process(ProcessFault::Kill) => "a server is killed",
        FaultKind::Process(ProcessFault::ReloadNginx) => "nginx replaces its workers",
        FaultKind::Process(ProcessFault::Drain) => "a server is drained and restarts",
        FaultKind::Process(ProcessFault::Remove) => "a server is removed",
        FaultKind::Process(ProcessFault::Add) => "a server is added",
    }
}

const fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "connecting",
        Phase::Settle => "settling",
        Phase::WarmUp => "warming up",
        Phase::Measure => "measuring",
        Phase::Drain => "draining",
        Phase::Disconnect => "disconnecting",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_includes_later_cells_and_scenarios() {
        let later = Duration::from_secs(100);
        let mut progress = Progress {
            bar: None,
            cells: 4,
            cell_time: Duration::from_secs(10),
            later,
            current: 0,
            title: String::new(),
            began: clock::now(),
            shown: Vec::new(),
        };
        for (current, within, left) in
            [(0, 0, 140), (1, 0, 140), (1, 4, 136), (2, 0, 130), (2, 25, 120), (4, 10, 100), (4, 99, 100)]
        {
            progress.current = current;
            let done = progress.done(Duration::from_secs(within));
            assert_eq!(progress.left(done), Duration::from_secs(left), "cell {current}, {within} s");
        }
    }
}
