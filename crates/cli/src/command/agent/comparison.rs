//! Compares an agent's clock with that of its run: in a burst before a cell, so that the load generator can use the
//! run's clock from the start, and once per second during the cell, to follow it. The result bounds the error of every
//! age.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use feedlab_feed::clock::{self, Exchange, Offset};
use feedlab_feed::process::boot_id;
use feedlab_nats::Room;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::agents::{CLOCK, MAX_EXCHANGES, Time, read};

/// The number of exchanges in the burst, if they take no longer than [`BURST_TIME`].
const BURST: usize = 32;
const BURST_TIME: Duration = Duration::from_millis(1_500);
/// Interval between exchanges after the burst.
const EVERY: Duration = Duration::from_secs(1);
/// The number of recent exchanges that the current offset is computed from.
const RECENT: usize = 128;

/// A comparison of two clocks, which continues until it is dropped.
#[derive(Debug)]
pub(super) struct Comparison {
    state: Arc<Mutex<State>>,
    /// How far the run's clock is ahead, µs.
    ahead: watch::Receiver<i64>,
    _asks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct State {
    exchanges: Vec<Exchange>,
    /// The offsets that the load generator received, µs, and when, s of Unix time.
    estimates: Vec<(f64, i64)>,
    /// Whether both may be the same clock, on one machine.
    may_be_one: bool,
}

impl Comparison {
    /// Compares the clocks in a burst, and then continues in the background.
    ///
    /// # Errors
    /// If the run does not answer.
    pub(super) async fn begin(room: &Room) -> anyhow::Result<Self> {
        let mut state = State { may_be_one: true, ..State::default() };
        let end = clock::now() + BURST_TIME;
        while state.exchanges.len() < BURST && (state.exchanges.is_empty() || clock::now() < end) {
            state.take(ask(room).await.context("the run does not answer with its time")?);
        }
        let (tell, ahead) = watch::channel(state.ahead_us());
        let state = Arc::new(Mutex::new(state));
        let mut asks = JoinSet::new();
        asks.spawn(go_on(room.clone(), state.clone(), tell));
        Ok(Self { state, ahead, _asks: asks })
    }

    /// Returns how far the run's clock is ahead now, µs.
    pub(super) fn ahead_us(&mut self) -> i64 {
        *self.ahead.borrow_and_update()
    }

    /// Waits until the offset changes, and returns it. Cancel safe.
    pub(super) async fn changed(&mut self) -> i64 {
        if self.ahead.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.ahead_us()
    }

    /// Returns the final offset; `None` if both turned out to be the same clock.
    pub(super) fn offset(&self) -> Option<Offset> {
        locked(&self.state).offset()
    }
}

async fn go_on(room: Room, state: Arc<Mutex<State>>, tell: watch::Sender<i64>) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // While the broker is unreachable, no exchange succeeds, and the error bound grows.
        let Ok(exchange) = ask(&room).await else { continue };
        let mut state = locked(&state);
        if state.exchanges.len() < MAX_EXCHANGES {
            state.take(exchange);
            let ahead_us = state.ahead_us();
            tell.send_if_modified(|last| std::mem::replace(last, ahead_us) != ahead_us);
        }
    }
}

fn locked(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Exchanges clock readings with the run. Also returns whether the run may be on this machine.
async fn ask(room: &Room) -> anyhow::Result<(Exchange, bool)> {
    let asked = clock::own_unix_us();
    let answer = room.ask(CLOCK, Vec::new()).await?;
    let heard = clock::own_unix_us();
    let Time { machine, received, answered } = read(&answer).context("the answer cannot be read")?;
    Ok((Exchange { asked, received, answered, heard }, machine.is_some() && machine == boot_id()))
}

impl State {
    fn take(&mut self, (exchange, may_be_one): (Exchange, bool)) {
        self.may_be_one &= may_be_one && exchange.may_be_of_one_clock();
        self.exchanges.push(exchange);
    }

    /// Returns the current offset for the load generator, µs.
    fn ahead_us(&mut self) -> i64 {
        let recent = &self.exchanges[self.exchanges.len().saturating_sub(RECENT)..];
        let now_s = clock::own_unix_us() as f64 / 1e6;
        let offset = Offset::of(recent).filter(|_| !self.may_be_one);
        let ahead_us = offset.map_or(0, |offset| offset.at(now_s).round() as i64);
        self.estimates.push((now_s, ahead_us));
        ahead_us
    }

    /// Returns the final offset. The error of ages is the difference between the offsets that the load generator
    /// received and the final one, plus the uncertainty of the final one.
    fn offset(&self) -> Option<Offset> {
        let offset = Offset::of(&self.exchanges).filter(|_| !self.may_be_one)?;
        let errors = self.estimates.iter().map(|(at_s, ahead_us)| (offset.at(*at_s) - *ahead_us as f64).abs());
        let off_us = errors.fold(0.0, f64::max) + offset.drift_ppm.abs() * EVERY.as_secs_f64();
        let heard_until_us = clock::own_unix_us() - clock::micros(2 * EVERY);
        Some(Offset { bound_us: offset.bound_us + off_us, ..offset }.until(heard_until_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the exchanges of one second with a clock that is ahead, with a delay of 100 µs in each direction.
    fn state(ahead_us: u64, may_be_one: bool) -> State {
        let mut state = State { may_be_one: true, ..State::default() };
        let now = clock::own_unix_us();
        for asked in (0..10).map(|index| now - 1_000_000 + 100_000 * index) {
            let received = asked + 100 + ahead_us;
            state.take((Exchange { asked, received, answered: received, heard: asked + 200 }, may_be_one));
        }
        state
    }

    #[test]
    fn one_machine_has_one_clock_unless_exchanges_show_two() {
        let mut one = state(0, true);
        assert_eq!((one.ahead_us(), one.offset()), (0, None));
        let mut two = state(5_000, true);
        assert_eq!(two.ahead_us(), 5_000);
        assert!((two.offset().unwrap().us - 5_000.0).abs() < 1.0);
        assert!(state(0, false).offset().is_some(), "two machines may agree, and have two clocks");
    }

    #[test]
    fn an_early_wrong_offset_is_part_of_the_bound() {
        let mut state = state(5_000, false);
        state.ahead_us();
        let bound = state.offset().unwrap().bound_us;
        state.estimates[0].1 -= 700;
        assert!((state.offset().unwrap().bound_us - bound - 700.0).abs() < 50.0);
    }
}
