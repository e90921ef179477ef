//! What contradicts itself in a question, and what no transport can do.

use std::time::Duration;

use humantime::format_duration;

use super::{Between, Criterion, Input, Pattern, Question, setting};
use crate::scenario::Headers;

/// The most that a client can receive, bytes per second: a gigabit link.
const MOST_BYTES_PER_S: f64 = 125e6;
/// The longest time from one burst to the next, s: a day.
const LONGEST_SILENCE: f64 = 86_400.0;

/// Why a question has no answer. Each says what contradicts what, and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuestionError {
    /// A number is out of its range.
    #[error("`{key}` is {given}; it must be from {least} to {most}")]
    Outside {
        /// The key of the question.
        key: &'static str,
        /// What was given.
        given: String,
        /// The smallest value.
        least: String,
        /// The largest value.
        most: String,
    },
    /// The budget is shorter than the way.
    #[error(
        "no transport can meet a budget of {}: with a round trip of {}, {way} alone takes {}; raise the budget, or move the \
         servers closer to the clients", format_duration(*budget), format_duration(*rtt), format_duration(*least)
    )]
    BudgetBelowDistance {
        /// The budget.
        budget: Duration,
        /// The round-trip time.
        rtt: Duration,
        /// The shortest age.
        least: Duration,
        /// Which way that is.
        way: &'static str,
    },
    /// A chat in which nobody writes.
    #[error("a chat in which clients send nothing has no updates; set `sends`, as in sends = 0.2, or remove `chat`")]
    SilentChat,
    /// A chat with a schedule.
    #[error(
        "the members of a chat write independently of each other, not in a pattern that is {given}; remove `pattern`"
    )]
    ScheduledChat {
        /// The pattern.
        given: Pattern,
    },
    /// More than a client can receive.
    #[error(
        "each client would receive {megabits:.0} Mbit/s, more than a gigabit link carries; lower `rate` or `payload`, or send \
         differences"
    )]
    TooMuch {
        /// Megabits per second.
        megabits: f64,
    },
    /// Bursts that are too rare.
    #[error(
        "the bursts are {days:.1} days apart, and at most one is supported; raise `rate`, or make the bursts smaller"
    )]
    TooRare {
        /// Days from one burst to the next.
        days: f64,
    },
    /// A browser's headers without a browser.
    #[error("`headers = \"{given}\"` are those of a browser, but `browser` is false; remove one of them")]
    NoBrowser {
        /// The headers.
        given: &'static str,
    },
    /// Money without prices.
    #[error("`cares_about` has money, but there is no price; add one, as in --price 0.09/GB, or remove money")]
    NoPrices,
    /// Something is named twice.
    #[error("{what} is named twice; remove one of them")]
    Twice {
        /// What.
        what: String,
    },
    /// The name cannot be that of a scenario.
    #[error("{given:?} cannot name a scenario; use 1 to 64 letters, digits, `-` and `_`")]
    Name {
        /// The name.
        given: String,
    },
}

impl QuestionError {
    /// Whether it says that nothing can be done, rather than that a question is wrong.
    pub(super) const fn is_impossible(&self) -> bool {
        matches!(self, Self::BudgetBelowDistance { .. } | Self::TooMuch { .. })
    }

    /// Returns why, in a few words.
    pub(super) fn brief(&self) -> String {
        match self {
            Self::BudgetBelowDistance { .. } => "the way alone takes longer".to_owned(),
            Self::TooMuch { .. } => "more than a gigabit link carries".to_owned(),
            other => other.to_string(),
        }
    }
}

/// Checks that a question does not contradict itself.
pub(super) fn check(question: &Question) -> Result<(), QuestionError> {
    name(&question.name)?;
    for input in Input::ALL {
        within(input, question)?;
    }
    headers(question)?;
    twice(question)?;
    chat(question)?;
    let bytes = question.updates_per_s() * question.payload_bytes as f64;
    if bytes > MOST_BYTES_PER_S {
        return Err(QuestionError::TooMuch { megabits: bytes * 8e-6 });
    }
    let silence = setting::silence(question);
    if silence > LONGEST_SILENCE {
        return Err(QuestionError::TooRare { days: silence / 86_400.0 });
    }
    if question.criteria().contains(&Criterion::Money) && question.prices.is_empty() {
        return Err(QuestionError::NoPrices);
    }
    distance(question)
}

fn name(name: &str) -> Result<(), QuestionError> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_good = (1..=64).contains(&name.len()) && name.chars().all(good);
    if is_good { Ok(()) } else { Err(QuestionError::Name { given: name.to_owned() }) }
}

/// Values of zero mean that there is none: no distance, no messages, no deployments.
fn within(input: Input, question: &Question) -> Result<(), QuestionError> {
    let Some(value) = input.value(question) else { return Ok(()) };
    let (least, most) = input.range();
    let is_none = value == 0.0 && input.may_be_zero();
    if is_none || (least..=most).contains(&value) {
        return Ok(());
    }
    let [given, least, most] = [value, if input.may_be_zero() { 0.0 } else { least }, most].map(|one| input.text(one));
    Err(QuestionError::Outside { key: input.key(), given, least, most })
}

fn headers(question: &Question) -> Result<(), QuestionError> {
    let given = match question.headers {
        Some(Headers::Browser) => "browser",
        Some(Headers::BrowserCookies) => "browser+cookies",
        _ => return Ok(()),
    };
    if question.browser { Ok(()) } else { Err(QuestionError::NoBrowser { given }) }
}

fn twice(question: &Question) -> Result<(), QuestionError> {
    let timeouts = question.between.iter().filter_map(Between::idle_timeout).count();
    let between = question.between.iter().map(Between::in_words);
    let criteria = question.cares_about.iter().map(|one| one.name().to_owned());
    let prices = question.prices.iter().map(|price| format!("the price per {}", price.per.unit()));
    let mut all: Vec<String> = between.chain(criteria).chain(prices).collect();
    all.sort_unstable();
    match all.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(QuestionError::Twice { what: pair[0].clone() }),
        None if timeouts > 1 => Err(QuestionError::Twice { what: "an idle timeout".to_owned() }),
        None => Ok(()),
    }
}

fn chat(question: &Question) -> Result<(), QuestionError> {
    match question.chat {
        true if question.sends <= 0.0 => Err(QuestionError::SilentChat),
        true if question.pattern != Pattern::Random => Err(QuestionError::ScheduledChat { given: question.pattern }),
        _ => Ok(()),
    }
}

fn distance(question: &Question) -> Result<(), QuestionError> {
    let (budget, rtt, least) = (question.budget, question.rtt, question.shortest_age());
    if least < budget {
        return Ok(());
    }
    let way = if question.chat { "the way to the server and back" } else { "the way from the server" };
    Err(QuestionError::BudgetBelowDistance { budget, rtt, least, way })
}
