//! The flags of a question. Each takes precedence over the file.

use std::time::Duration;

use clap::builder::BoolishValueParser;
use feedlab_experiment::choice::{
    Between, Criterion, Delivery, Pattern, Price, Question, parse_count, parse_rate, parse_size,
};
use feedlab_experiment::scenario::Headers;
use feedlab_feed::settings::duration;

/// A question, as far as flags describe it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What you need")]
pub(super) struct QuestionArgs {
    /// Clients that receive the feed: 3000, 10k or 1e6 [default: 1000]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    clients: Option<u64>,

    /// Updates that each client receives: 5/s, 12/min or 3/h [default: 1/s]
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    rate: Option<f64>,

    /// When updates fall due: steady, random, or 'bursts of N' at once [default: random]
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<Pattern>,

    /// Payload of an update: 400, '400 B' or '2 kB' [default: 256 B]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    payload: Option<usize>,

    /// How old an update may be when it arrives, at the 99th percentile [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    budget: Option<Duration>,

    /// What must arrive: every update, or only the newest [default: every]
    #[arg(long, value_name = "RULE")]
    delivery: Option<Delivery>,

    /// Messages that each client sends, as large as an update [default: 0]
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    sends: Option<f64>,

    /// What a client sends goes to all clients: the rate follows from --sends
    #[arg(long)]
    chat: bool,

    /// Round-trip time between clients and server [default: 40ms]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    rtt: Option<Duration>,

    /// What is in between: nginx (with its defaults), corporate-proxy (holds back answers, no upgrades), http2, or 'idle
    /// timeout of 60s' (repeatable)
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    between: Vec<Between>,

    /// Whether the clients are browsers, yes or no [default: yes]
    #[arg(long, value_name = "YES|NO", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    browser: Option<bool>,

    /// Request headers: bare (about 100 bytes), browser (600) or browser+cookies (1,200) [default: those of the clients]
    #[arg(long, value_name = "HEADERS", value_parser = headers)]
    headers: Option<Headers>,

    /// Deployments per day, each of which ends every connection [default: 0]
    #[arg(long, value_name = "N")]
    deploys: Option<f64>,

    /// A given polling interval [default: the longest that meets the budget]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    poll_interval: Option<Duration>,

    /// What matters, the most important first: age, bytes, requests, cpu, memory, servers or money [default: money if
    /// there are prices, then bytes,requests,cpu,memory,age]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    cares_about: Vec<Criterion>,

    /// A price in any currency: per GB on the wire in both directions, Mreq (a million requests), server or core for a
    /// month of 30 days, as in 0.09/GB or 40/server (repeatable)
    #[arg(long = "price", value_name = "PRICE")]
    prices: Vec<Price>,

    /// Name of the scenario, and of its results [default: choice]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

fn headers(text: &str) -> Result<Headers, String> {
    match text {
        "bare" => Ok(Headers::Bare),
        "browser" => Ok(Headers::Browser),
        "browser+cookies" => Ok(Headers::BrowserCookies),
        _ => Err("write bare, browser or browser+cookies".to_owned()),
    }
}

/// Sets a value if it is given.
fn set<T: Clone>(value: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        value.clone_from(given);
    }
}

/// Sets a list if something is given.
fn set_list<T: Clone>(list: &mut Vec<T>, given: &[T]) {
    if !given.is_empty() {
        *list = given.to_vec();
    }
}

impl QuestionArgs {
    /// Whether no flag is given. A flag that repeats the default is also a question.
    pub(super) fn is_empty(&self) -> bool {
        /// No default has these values.
        const NO_NAME: &str = "";
        let probe = Question {
            name: NO_NAME.to_owned(),
            clients: 0,
            rate: -1.0,
            pattern: Pattern::Bursts(0),
            payload_bytes: usize::MAX,
            budget: Duration::MAX,
            sends: -1.0,
            rtt: Duration::MAX,
            deploys_a_day: -1.0,
            ..Question::default()
        };
        let mut changed = probe.clone();
        self.apply(&mut changed);
        changed == probe && self.delivery.is_none() && self.browser.is_none()
    }

    /// Changes a question to what the flags say.
    pub(super) fn apply(&self, question: &mut Question) {
        set(&mut question.clients, self.clients.as_ref());
        set(&mut question.rate, self.rate.as_ref());
        set(&mut question.pattern, self.pattern.as_ref());
        set(&mut question.payload_bytes, self.payload.as_ref());
        set(&mut question.budget, self.budget.as_ref());
        set(&mut question.delivery, self.delivery.as_ref());
        set(&mut question.sends, self.sends.as_ref());
        set(&mut question.rtt, self.rtt.as_ref());
        set(&mut question.browser, self.browser.as_ref());
        set(&mut question.deploys_a_day, self.deploys.as_ref());
        set(&mut question.name, self.name.as_ref());
        question.chat |= self.chat;
        question.headers = self.headers.or(question.headers);
        question.poll_interval = self.poll_interval.or(question.poll_interval);
        set_list(&mut question.between, &self.between);
        set_list(&mut question.cares_about, &self.cares_about);
        set_list(&mut question.prices, &self.prices);
    }
}
