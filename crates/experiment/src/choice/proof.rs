//! The experiments that prove an answer: a scenario with the candidates that fit, and the same scenario beyond the
//! nearest crossing.

use std::fmt::Write as _;
use std::time::Duration;

use feedlab_feed::Transport;
use serde::Serialize;

use super::{Answer, Between, Delivery, Input, Nearest, Pattern, Question};
use crate::scenario::{Contender, Headers, Options};

/// What one machine can do without being the limit: clients, and updates delivered per second. The clients of one machine
/// receive an update one after another; with more deliveries, their ages would be the machine's.
const MOST_CLIENTS: f64 = 100.0;
const MOST_DELIVERIES_PER_S: f64 = 2_500.0;
/// The samples that the 99th percentile should have: twice what it requires.
const SAMPLES: f64 = 2_000.0;
/// The shortest and the longest measured time, s.
const SHORTEST: f64 = 10.0;
const LONGEST: f64 = 120.0;
/// The mean messages of a member of a chat after which nearly everybody has sent one.
const FIRST: f64 = 3.0;
/// Time runs this much faster for a feed or a polling interval that would take minutes.
const FAST: u32 = 10;
/// The shortest time of a scenario.
const LEAST: Duration = Duration::from_millis(1);
/// How far beyond a crossing the second experiment is: far enough that the other transport is clearly ahead.
const BEYOND: f64 = 1.5;

/// The experiments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The scenario, a TOML file for `feedlab run`.
    pub scenario: String,
    /// The number of clients, which one machine can drive.
    pub clients: u64,
    /// How much faster than real time it runs: 1, or 10.
    pub pace: u32,
    /// The second experiment; `None` if nothing within reach changes the answer.
    pub second: Option<Second>,
}

/// The scenario beyond the nearest crossing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Second {
    /// The input.
    pub input: Input,
    /// Its value in the experiment.
    pub value: f64,
    /// The change of the scenario, for `--set`.
    pub change: String,
    /// The transport that should be ahead; `None` if none meets the budget there.
    pub winner: Option<Transport>,
}

impl Answer {
    /// Returns the experiments that prove the answer; `None` if nothing fits. The crossings are those of the answer.
    #[must_use]
    pub fn proof(&self, crossings: &[Nearest]) -> Option<Proof> {
        let contenders = self.fitting();
        if contenders.is_empty() {
            return None;
        }
        let pace = pace(&self.question, &contenders);
        let clients = clients(&self.question, pace);
        let scenario = self.scenario(&contenders, clients, pace);
        let second = self.second(crossings, &contenders, clients, pace);
        Some(Proof { scenario, clients, pace, second })
    }

    fn fitting(&self) -> Vec<&Contender> {
        self.candidates.iter().filter(|candidate| candidate.fits()).map(|candidate| &candidate.contender).collect()
    }

    fn scenario(&self, contenders: &[&Contender], clients: u64, pace: u32) -> String {
        let question = &self.question;
        let mut text = self.opening(clients, pace);
        text += &feed(question, contenders, pace);
        text += &conditions(question, contenders, clients, pace);
        for contender in contenders {
            text += &table(question, contender, pace);
        }
        let (_, seconds) = times(question, contenders, clients, pace);
        let samples = question.updates_per_s() * f64::from(pace) * clients as f64 * seconds as f64;
        text + &thresholds(question, pace, samples)
    }

    fn opening(&self, clients: u64, pace: u32) -> String {
        let question = &self.question;
        let mut text = String::new();
        if clients < question.clients {
            let _ = writeln!(
                text,
                "# {clients} of the {} clients: what one machine can drive. Figures per client are the same.",
                question.clients
            );
        }
        if pace > 1 {
            let _ = writeln!(
                text,
                "# Time runs {pace} times faster: rates are {pace} times as high, and intervals and the budget are shorter."
            );
        }
        for candidate in self.candidates.iter().filter(|candidate| !candidate.fits()) {
            let why = candidate.exclusions.first().map(super::Exclusion::sentence).unwrap_or_default();
            let _ = writeln!(text, "# Not measured, {}: {why}.", candidate.contender.label);
        }
        let budget = humantime::format_duration(question.budget);
        let _ = writeln!(text, "\nschema = 1\nname = {:?}", question.name);
        let _ = writeln!(
            text,
            "question = \"Which transport keeps updates younger than {budget}, and what does it cost?\""
        );
        text
    }

    /// Returns the nearest crossing that a change of the scenario can reach.
    fn second(&self, crossings: &[Nearest], contenders: &[&Contender], clients: u64, pace: u32) -> Option<Second> {
        let mut nearest: Vec<&Nearest> = crossings.iter().filter(|one| one.factor().is_finite()).collect();
        // First those with another winner; with another budget, the thresholds would also be others.
        let is_last =
            |one: &Nearest| (one.nearer().is_none_or(|crossing| crossing.winner.is_none()), one.input == Input::Budget);
        nearest.sort_by(|a, b| is_last(a).cmp(&is_last(b)).then(a.factor().total_cmp(&b.factor())));
        nearest.into_iter().find_map(|nearest| {
            let (crossing, from) = (nearest.nearer()?, nearest.value?);
            let (least, most) = nearest.range;
            let beyond = crossing.at * if crossing.at > from { BEYOND } else { 1.0 / BEYOND };
            let value = beyond.clamp(least, most);
            let winner =
                super::answer(&nearest.input.with(&self.question, value)).ok().and_then(|answer| answer.winner());
            let change = self.change(nearest.input, value, contenders, clients, pace)?;
            Some(Second { input: nearest.input, value, change, winner })
        })
    }

    fn change(&self, input: Input, value: f64, contenders: &[&Contender], clients: u64, pace: u32) -> Option<String> {
        let other = input.with(&self.question, value);
        let fits = other.updates_per_s() * f64::from(pace) * clients as f64 <= 2.0 * MOST_DELIVERIES_PER_S;
        // Times without spaces, so that a shell does not need quotes.
        match input {
            Input::Rate if fits => Some(format!("feed.updates_per_s={}", three_digits(value * f64::from(pace)))),
            Input::Sends | Input::Clients if fits && other.chat => {
                Some(format!("feed.updates_per_s={}", three_digits(other.updates_per_s() * f64::from(pace))))
            }
            Input::Rtt => Some(format!("network.rtt={}ms", other.rtt.as_millis())),
            Input::Payload => Some(format!("feed.payload_bytes={}", other.payload_bytes)),
            Input::Budget | Input::PollInterval => {
                let is_poll = |one: &&Contender| matches!(one.options, Options::ShortPolling { .. });
                let index = contenders.iter().position(is_poll)?;
                let answer = super::answer(&other).ok()?;
                let options = answer.candidate(Transport::ShortPolling)?.contender.options;
                let Options::ShortPolling { interval, .. } = options else { return None };
                Some(format!("contender.{}.interval={}ms", index + 1, (interval / pace).max(LEAST).as_millis()))
            }
            _ => None,
        }
    }
}

/// Returns how much faster time must run so that a run takes minutes and not hours.
fn pace(question: &Question, contenders: &[&Contender]) -> u32 {
    const LONG_INTERVAL: Duration = Duration::from_secs(15);
    let is_slow = contenders
        .iter()
        .any(|one| matches!(one.options, Options::ShortPolling { interval, .. } if interval > LONG_INTERVAL));
    let is_rare = question.updates_per_s() * LONGEST < 60.0;
    let is_far = question.rtt > Duration::from_millis(200);
    if (is_slow || is_rare) && !is_far { FAST } else { 1 }
}

fn clients(question: &Question, pace: u32) -> u64 {
    let each = question.updates_per_s() * f64::from(pace);
    let most = (MOST_DELIVERIES_PER_S / each).clamp(1.0, MOST_CLIENTS);
    question.clients.min(most as u64).max(1)
}

fn feed(question: &Question, contenders: &[&Contender], pace: u32) -> String {
    let (rate, payload) = (three_digits(question.updates_per_s() * f64::from(pace)), question.payload_bytes);
    let mut text = "\n[feed]\n".to_owned();
    let source = if question.chat { "clients" } else { "synthetic" };
    let _ = writeln!(text, "source = \"{source}\"\nupdates_per_s = {rate}\npayload_bytes = {payload}");
    let schedule = match question.pattern {
        _ if question.chat => String::new(),
        Pattern::Steady => "schedule = \"constant\"\n".to_owned(),
        Pattern::Random => "schedule = \"poisson\"\n".to_owned(),
        Pattern::Bursts(size) => format!("schedule = \"burst\"\nburst_size = {size}\n"),
    };
    let history = contenders.iter().filter_map(|one| one.serving.history).max().unwrap_or(4_096);
    text + &schedule + &format!("history = {history}\n")
}

fn conditions(question: &Question, contenders: &[&Contender], clients: u64, pace: u32) -> String {
    let headers = match question.request_headers() {
        Headers::Bare => "bare",
        Headers::Browser => "browser",
        Headers::BrowserCookies => "browser+cookies",
    };
    let mut text = format!("\n[clients]\ncount = {clients}\nramp = \"1s\"\nheaders = \"{headers}\"\n");
    let (warm_up, duration) = times(question, contenders, clients, pace);
    let _ = writeln!(text, "\n[measure]\nsettle = \"500ms\"\nwarm_up = \"{warm_up}s\"\nduration = \"{duration}s\"");
    let _ = writeln!(text, "\n[network]\nrtt = \"{}\"", time(question.rtt));
    if let Some(timeout) = question.idle_timeout() {
        let _ = writeln!(text, "idle_timeout = \"{}\"", time(timeout / pace));
    }
    text
}

/// Returns the warm-up, in which every client polls at least once, and the measured time, in seconds: several polls, and
/// the samples of a 99th percentile.
fn times(question: &Question, contenders: &[&Contender], clients: u64, pace: u32) -> (u64, u64) {
    let interval = contenders.iter().filter_map(|one| match one.options {
        Options::ShortPolling { interval, .. } => Some((interval / pace).as_secs_f64()),
        _ => None,
    });
    let interval = interval.fold(0.0, f64::max);
    let for_samples = SAMPLES / (question.updates_per_s() * f64::from(pace) * clients as f64);
    let seconds = for_samples.max(5.0 * interval).max(SHORTEST).min(LONGEST.max(3.0 * interval));
    // The first message of each member of a chat also opens a connection.
    let first = if question.chat { (FIRST / question.sends / f64::from(pace)).min(LONGEST) } else { 0.0 };
    ((1.0 + interval.max(first)).ceil() as u64, seconds.ceil() as u64)
}

fn table(question: &Question, contender: &Contender, pace: u32) -> String {
    let mut text =
        format!("\n[[contender]]\nlabel = {:?}\ntransport = \"{}\"\n", contender.label, contender.transport());
    let options = match contender.options {
        Options::ShortPolling { interval, keep_alive, .. } => {
            format!("interval = \"{}\"\nkeep_alive = {keep_alive}\n", time((interval / pace).max(LEAST)))
        }
        Options::LongPolling { hold, .. } => format!("hold = \"{}\"\n", time((hold / pace).max(LEAST))),
        Options::Sse { keepalive } | Options::WebSocket { keepalive } | Options::Auto { keepalive, .. } => {
            format!("keepalive = \"{}\"\n", time((keepalive / pace).max(LEAST)))
        }
    };
    text += &options;
    if question.has(Between::CorporateProxy) {
        text += "via = \"nginx-buffering\"\n";
    } else if question.has(Between::Nginx) {
        text += "via = \"nginx-default\"\n";
    } else if question.has(Between::Http2) {
        text = text.replace("keep_alive = true\n", "") + "http = \"2\"\n";
    }
    text
}

/// The budget, for the highest percentile that will have enough samples, also if fewer updates than expected fall due.
fn thresholds(question: &Question, pace: u32, samples: f64) -> String {
    let budget_us = (question.budget / pace).as_micros();
    let (metric, note) = match samples {
        1_500.0.. => ("age_p99_us", ""),
        150.0.. => ("age_p90_us", "# Too few updates fall due for the 99th percentile.\n"),
        _ => ("age_p50_us", "# Too few updates fall due for the 99th percentile.\n"),
    };
    let mut text = format!("\n{note}[[threshold]]\nmetric = \"{metric}\"\nexpect = \"<= {budget_us}\"\n");
    if question.delivery == Delivery::Every {
        text += "\n[[threshold]]\nmetric = \"updates_missed\"\nexpect = \"== 0\"\n";
    }
    text
}

/// Returns a time in whole milliseconds, the resolution of a scenario.
fn time(time: Duration) -> String {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    humantime::format_duration(Duration::from_millis(milliseconds)).to_string()
}

fn three_digits(value: f64) -> f64 {
    let digits = (2.0 - value.abs().log10().floor()).clamp(0.0, 12.0);
    let shift = 10f64.powf(digits);
    if value > 0.0 { (value * shift).round() / shift } else { 0.0 }
}
