//! The conversation: one question a line, with a default in brackets and an explanation for `?`.

use std::fmt::Display;
use std::io::BufRead;

use anyhow::Context as _;
use feedlab_experiment::choice::{Between, Criterion, Price, Question, parse_count, parse_rate, parse_size};
use feedlab_feed::settings::duration;

/// The longest answer, bytes.
const LONGEST: u64 = 4_096;

/// The input ended before the last answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended;

/// A question of the conversation.
struct Ask {
    /// What is asked, without the default.
    text: &'static str,
    /// What `?` explains.
    explanation: &'static str,
    /// Returns the default as it would be written.
    default: fn(&Question) -> String,
    /// Sets the answer.
    set: fn(&mut Question, &str) -> Result<(), String>,
    /// Whether it is asked, given the answers so far.
    applies: fn(&Question) -> bool,
}

const ALWAYS: fn(&Question) -> bool = |_| true;

const ASKS: [Ask; 14] = [
    Ask {
        text: "How many clients?",
        explanation: "Clients that receive the feed at the same time: 3000, 10k, 1e6.",
        default: |question| question.clients.to_string(),
        set: |question, text| parse_count(text).map(|clients| question.clients = clients),
        applies: ALWAYS,
    },
    Ask {
        text: "How many messages does each client send?",
        explanation: "What clients send themselves: 0 if they only read; 0.2/s, 12/min. A message is as large as an update.",
        default: |question| format!("{}/s", question.sends),
        set: |question, text| parse_rate(text).map(|sends| question.sends = sends),
        applies: ALWAYS,
    },
    Ask {
        text: "Does what one client sends go to all of them, as in a chat?",
        explanation: "With yes, the updates are what the clients send, and their rate follows from it.",
        default: |question| yes_or_no(question.chat),
        set: |question, text| yes(text).map(|chat| question.chat = chat),
        applies: |question| question.sends > 0.0,
    },
    Ask {
        text: "How many updates does each client receive?",
        explanation: "5/s, 12/min or 3/h. Every client receives every update.",
        default: |question| format!("{}/s", question.rate),
        set: |question, text| parse_rate(text).map(|rate| question.rate = rate),
        applies: |question| !question.chat,
    },
    Ask {
        text: "When do they fall due: steady, random, or bursts of N?",
        explanation: "Steady: at even intervals. Random: like events in the real world. Bursts of 5: five at once, then a pause.",
        default: |question| question.pattern.to_string(),
        set: |question, text| text.parse().map(|pattern| question.pattern = pattern),
        applies: |question| !question.chat,
    },
    Ask {
        text: "How large is an update?",
        explanation: "The payload, without headers and framing: 400 B, 2 kB.",
        default: |question| format!("{} B", question.payload_bytes),
        set: |question, text| parse_size(text).map(|bytes| question.payload_bytes = bytes),
        applies: ALWAYS,
    },
    Ask {
        text: "How old may an update be when it arrives?",
        explanation: "From the moment it is due, for 99 of 100 updates: 200ms, 2s, 5m.",
        default: |question| time(question.budget),
        set: |question, text| duration::parse(text).map(|budget| question.budget = budget),
        applies: ALWAYS,
    },
    Ask {
        text: "Must every update arrive, or is the newest enough?",
        explanation: "Every: nothing may be missing, even after a lost connection. Newest: an old value does not matter.",
        default: |_| "every".to_owned(),
        set: |question, text| text.parse().map(|delivery| question.delivery = delivery),
        applies: ALWAYS,
    },
    Ask {
        text: "How far away are the clients: the round-trip time?",
        explanation: "What ping shows: 20ms in a country, 80ms across an ocean, 200ms around the world.",
        default: |question| time(question.rtt),
        set: |question, text| duration::parse(text).map(|rtt| question.rtt = rtt),
        applies: ALWAYS,
    },
    Ask {
        text: "What is in between: nothing, nginx, corporate-proxy, http2, idle timeout of N s (with commas)?",
        explanation: "nginx: with its defaults, only proxy_pass. corporate-proxy: holds back answers until they are complete, and \
                      forwards no upgrades. idle timeout: closes a connection on which nothing happens.",
        default: |_| "nothing".to_owned(),
        set: |question, text| between(text).map(|between| question.between = between),
        applies: ALWAYS,
    },
    Ask {
        text: "Are the clients browsers?",
        explanation: "A browser adds 600 bytes of headers to each request, and opens six HTTP/1.1 connections per server.",
        default: |question| yes_or_no(question.browser),
        set: |question, text| yes(text).map(|browser| question.browser = browser),
        applies: ALWAYS,
    },
    Ask {
        text: "How many deployments a day?",
        explanation: "Each ends every connection once, and all clients connect again.",
        default: |question| question.deploys_a_day.to_string(),
        set: |question, text| {
            let number: f64 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
            question.deploys_a_day = number;
            Ok(())
        },
        applies: ALWAYS,
    },
    Ask {
        text: "Which prices do you pay (with commas)?",
        explanation: "0.09/GB (both directions), 0.40/Mreq (a million requests), 40/server or 15/core (a month). Or none.",
        default: |_| "none".to_owned(),
        set: |question, text| list(text, "none").map(|prices: Vec<Price>| question.prices = prices),
        applies: ALWAYS,
    },
    Ask {
        text: "What matters, the most important first (with commas)?",
        explanation: "age, bytes, requests, cpu, memory, servers, money. Later ones decide between equals.",
        default: |question| question.criteria().iter().map(|one| one.name()).collect::<Vec<_>>().join(", "),
        set: |question, text| list(text, "").map(|list: Vec<Criterion>| question.cares_about = list),
        applies: ALWAYS,
    },
];

/// Asks everything, one question a line. `say` writes to the terminal without ending the line.
pub(super) fn ask(input: &mut impl BufRead, say: impl Fn(&str)) -> anyhow::Result<Result<Question, Ended>> {
    let mut question = Question::default();
    say("Enter takes what is in brackets, ? explains.\n");
    for ask in &ASKS {
        if (ask.applies)(&question) && !one(ask, &mut question, input, &say)? {
            return Ok(Err(Ended));
        }
    }
    say("\n");
    Ok(Ok(question))
}

/// Asks until the answer is understood. Returns `false` if the input ended.
fn one(ask: &Ask, question: &mut Question, input: &mut impl BufRead, say: &impl Fn(&str)) -> anyhow::Result<bool> {
    loop {
        say(&format!("{} [{}] ", ask.text, (ask.default)(question)));
        let mut line = String::new();
        let read =
            std::io::Read::take(&mut *input, LONGEST).read_line(&mut line).context("cannot read from the terminal")?;
        if read == 0 {
            return Ok(false);
        }
        match line.trim() {
            "" => return Ok(true),
            "?" => say(&format!("  {}\n", ask.explanation)),
            text => match (ask.set)(question, text) {
                Ok(()) => return Ok(true),
                Err(problem) => say(&format!("  {problem}\n")),
            },
        }
    }
}

fn time(time: std::time::Duration) -> String {
    humantime::format_duration(time).to_string()
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn yes(text: &str) -> Result<bool, String> {
    match &*text.to_lowercase() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("answer yes or no".to_owned()),
    }
}

fn between(text: &str) -> Result<Vec<Between>, String> {
    list(text, "nothing")
}

/// Reads a list with commas; a word for none is an empty list.
fn list<T: std::str::FromStr<Err: Display>>(text: &str, none: &str) -> Result<Vec<T>, String> {
    if text.eq_ignore_ascii_case(none) {
        return Ok(Vec::new());
    }
    text.split(',').map(|one| one.trim().parse().map_err(|error: T::Err| error.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use super::*;

    fn talk(lines: &str) -> (Result<Question, Ended>, String) {
        let said = RefCell::new(String::new());
        let answer = ask(&mut lines.as_bytes(), |text| said.borrow_mut().push_str(text)).unwrap();
        (answer, said.into_inner())
    }

    #[test]
    fn enter_takes_every_default() {
        let (answer, said) = talk(&"\n".repeat(14));
        assert_eq!(answer, Ok(Question::default()));
        assert!(said.contains("How many clients? [1000] "), "{said}");
    }

    #[test]
    fn answers_are_understood_as_people_write_them() {
        let (answer, _) =
            talk("3k\n0\n12/min\nbursts of 5\n400 B\n2s\nnewest\n80 ms\nnginx, idle 60s\nno\n5\n0.09/GB\nmoney, age\n");
        let question = answer.unwrap();
        assert_eq!((question.clients, question.rate, question.payload_bytes), (3_000, 0.2, 400));
        assert_eq!((question.budget, question.rtt), (Duration::from_secs(2), Duration::from_millis(80)));
        assert_eq!((question.between.len(), question.browser, question.deploys_a_day), (2, false, 5.0));
        assert_eq!(question.cares_about, [Criterion::Money, Criterion::Age]);
    }

    #[test]
    fn a_mistake_is_explained_and_asked_again() {
        let (answer, said) = talk(&("many\n?\n".to_owned() + &"\n".repeat(14)));
        assert!(answer.is_ok());
        assert!(said.contains("\"many\" is not a whole number") && said.contains("at the same time"), "{said}");
        assert_eq!(said.matches("How many clients?").count(), 3);
    }

    #[test]
    fn the_rate_of_a_chat_is_not_asked() {
        let (answer, said) = talk(&("30\n0.2/s\nyes\n".to_owned() + &"\n".repeat(12)));
        assert!(answer.unwrap().chat && !said.contains("does each client receive"), "{said}");
    }

    #[test]
    fn the_end_of_the_input_ends_the_conversation() {
        assert_eq!(talk("100\n").0, Err(Ended));
        assert_eq!(talk("").0, Err(Ended));
    }
}
