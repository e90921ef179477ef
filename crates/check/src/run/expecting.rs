//! The steps of a case that expect something. An expectation looks at what has arrived, again and again, until it is met,
//! cannot be met any more, or its time is over.

use std::time::Duration;

use feedlab_feed::clock;

use super::case::{CaseRun, Miss};
use super::exchange::{Exchange, View};
use crate::connection::End;
use crate::contract::{Step, Time};

mod difference;
mod ending;
mod frames;
mod http;
mod numbers;
mod updates;

/// How often an answer is read again while bytes arrive.
const PAUSE: Duration = Duration::from_millis(10);

/// What an expectation finds in what has arrived.
pub(super) enum Look {
    /// It is met.
    Met,
    /// It is not met yet. Holds what came so far.
    NotYet(String),
    /// It cannot be met any more. Holds what came instead.
    Never(String),
}

/// Until when something is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: tokio::time::Instant,
    time: Duration,
}

impl Deadline {
    /// A time from now on.
    pub(super) fn after(time: Duration) -> Self {
        Self { at: tokio::time::Instant::from_std(clock::now() + time), time }
    }

    fn is_over(self) -> bool {
        clock::now() >= self.at.into_std()
    }
}

impl CaseRun<'_, '_> {
    /// Carries out an expectation.
    pub(super) async fn expect(&self, step: &Step) -> Result<(), Miss> {
        match step {
            Step::ExpectStatus { of, is, within } => self.expect_status(of, is, *within).await,
            Step::ExpectHeader { .. } => self.expect_header(step).await,
            Step::ExpectBody { .. } => self.expect_body(step).await,
            Step::ExpectBytes { of, contains, within } => self.expect_bytes(of, contains, *within).await,
            Step::ExpectPending { of, r#for } => self.expect_pending(of, *r#for).await,
            Step::ExpectUpdates { of, are, within, quiet } => self.expect_updates(of, are, *within, *quiet).await,
            Step::ExpectNone { of, updates, r#for } => self.expect_none(of, updates, *r#for).await,
            Step::ExpectData { of, update, is, within } => self.expect_data(of, update, is, *within).await,
            Step::ExpectIds { of } => self.expect_ids(of),
            Step::ExpectEvents { of, at_least, event_type, within } => {
                self.expect_events(of, at_least.of(self.size) as usize, event_type.as_deref(), *within).await
            }
            Step::ExpectSameSeq { of } => self.expect_same_seq(of),
            Step::ExpectGap { of, within } => self.expect_gap(of, *within).await,
            Step::ExpectCompleteOrReported { of, are, or_ended, within } => {
                self.expect_complete_or_reported(of, are, *or_ended, *within).await
            }
            Step::ExpectCost { of, overhead_at_most, updates } => {
                self.expect_cost(of, *overhead_at_most, updates.of(self.size))
            }
            Step::ExpectOpen { of, r#for } => self.expect_open(of, *r#for).await,
            Step::ExpectEnd { of, how, within } => self.expect_end(of, *how, *within).await,
            Step::ExpectFrame { of, frame, payload, within } => {
                self.expect_frame(of, *frame, payload.as_deref(), *within).await
            }
            Step::ExpectClose { of, codes, within } => self.expect_close(of, codes, *within).await,
            _ => Ok(()),
        }
    }

    /// Until when something must happen.
    pub(super) fn deadline(&self, within: Option<Time>) -> Deadline {
        Deadline::after(within.map_or(self.context.patience, |within| within.0))
    }

    /// Expects something of each exchange of a name.
    async fn each(
        &self,
        of: &str,
        expected: &str,
        within: Option<Time>,
        look: impl Fn(&Exchange, &View) -> Look,
    ) -> Result<(), Miss> {
        let deadline = self.deadline(within);
        for index in self.members(of) {
            let met = self.wait(index, deadline, |view| look(&self.exchanges[index], view)).await;
            met.map_err(|came| self.miss(of, index, expected, came))?;
        }
        Ok(())
    }

    /// Expects that something stays as it is on each exchange of a name. `look` returns what came instead.
    async fn each_stays(
        &self,
        of: &str,
        expected: &str,
        time: Duration,
        look: impl Fn(&Exchange, &View) -> Option<String>,
    ) -> Result<(), Miss> {
        let deadline = Deadline::after(time);
        for index in self.members(of) {
            let stayed = self.stays(index, deadline, |view| look(&self.exchanges[index], view)).await;
            stayed.map_err(|came| self.miss(of, index, expected, came))?;
        }
        Ok(())
    }

    /// Looks at what has arrived now on each exchange of a name.
    fn each_now(
        &self,
        of: &str,
        expected: &str,
        look: impl Fn(&Exchange, &View) -> Option<String>,
    ) -> Result<(), Miss> {
        for index in self.members(of) {
            let exchange = &self.exchanges[index];
            if let Some(came) = look(exchange, &exchange.view()) {
                return Err(self.miss(of, index, expected, came));
            }
        }
        Ok(())
    }

    fn miss(&self, of: &str, index: usize, expected: &str, came: String) -> Miss {
        let count = self.members(of).len();
        let name = &self.exchanges[index].name;
        let (expected, came) = match count {
            1 => (expected.to_owned(), came),
            _ => (format!("{expected}, on each of {count} connections"), format!("on {name}: {came}")),
        };
        Miss { expected, came, exchange: Some(index) }
    }

    /// Waits until `look` is met. The error says what came instead.
    pub(super) async fn wait(
        &self,
        index: usize,
        deadline: Deadline,
        mut look: impl FnMut(&View) -> Look,
    ) -> Result<(), String> {
        let exchange = &self.exchanges[index];
        loop {
            let is_over = deadline.is_over();
            let view = exchange.view();
            let came = match look(&view) {
                Look::Met => return Ok(()),
                Look::Never(came) => return Err(came),
                Look::NotYet(came) => came,
            };
            if let Some(why) = no_more(&view) {
                return Err(format!("{came}; {why}"));
            }
            if is_over {
                return Err(format!("{came} within {}", humantime::format_duration(deadline.time)));
            }
            next(exchange, &view, deadline).await;
        }
    }

    /// Looks until a time is over whether something changes. The error says what.
    async fn stays(
        &self,
        index: usize,
        deadline: Deadline,
        mut look: impl FnMut(&View) -> Option<String>,
    ) -> Result<(), String> {
        let exchange = &self.exchanges[index];
        loop {
            let is_over = deadline.is_over();
            let view = exchange.view();
            if let Some(came) = look(&view) {
                return Err(came);
            }
            if is_over {
                return Ok(());
            }
            next(exchange, &view, deadline).await;
        }
    }
}

/// Waits until more has arrived, but no longer than a deadline.
async fn next(exchange: &Exchange, view: &View, deadline: Deadline) {
    let recording = exchange.connection.recording();
    let changed = async {
        recording.changed(view.received.version).await;
        tokio::time::sleep(PAUSE).await;
    };
    // Whether it was the one or the other is seen at the next look.
    _ = tokio::time::timeout_at(deadline.at, changed).await;
}

/// Why nothing more can arrive that a client reads.
fn no_more(view: &View) -> Option<String> {
    if let Some(problem) = &view.problem {
        return Some(format!("the server sends invalid data: {problem}"));
    }
    if view.received.overflowed {
        return Some(format!("the server sent more than {} MiB", crate::limits::RECORDING >> 20));
    }
    view.received.ended.as_ref().map(|(_, end)| match end {
        End::Fin => "the server closed the connection".to_owned(),
        End::Reset => "the server reset the connection".to_owned(),
        End::Failed(why) => format!("the connection failed: {why}"),
    })
}

/// Things as a sentence lists them: `a, b and c`.
fn listed<'a>(things: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    const MOST: usize = 8;
    let things: Vec<&str> = things.into_iter().collect();
    match things.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., end] if things.len() <= MOST => format!("{} {last} {end}", most.join(", ")),
        _ => format!("{}, … ({} in all)", things[..MOST - 1].join(", "), things.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_listed_as_in_a_sentence() {
        assert_eq!(listed(["a"], "and"), "a");
        assert_eq!(listed(["a", "b", "c"], "or"), "a, b or c");
        assert_eq!(listed(["x"; 20], "and"), "x, x, x, x, x, x, x, … (20 in all)");
    }
}
