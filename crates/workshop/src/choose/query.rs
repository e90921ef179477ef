//! Reads a question from the query of a URL: a key per input, as in `rate=5/s&rtt=40ms`, and `x` and `y` for the axes
//! of the map.

use axum::extract::Query;
use axum::http::Uri;
use feedlab_experiment::choice::{Criterion, Input, Price, Question};

use crate::limits::MAX_CHOICE_QUERY_BYTES;

/// What a URL asks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) question: Question,
    /// The horizontal and the vertical axis of the map.
    pub(super) axes: (Input, Input),
    /// Whether the map is for a phone.
    pub(super) narrow: bool,
    /// The keys and values as they were written, for the form.
    pub(super) written: Vec<(String, String)>,
}

impl Default for Asked {
    fn default() -> Self {
        let axes = (Input::Rate, Input::Budget);
        Self { question: Question::default(), axes, narrow: false, written: Vec::new() }
    }
}

impl Asked {
    /// Returns a value as it was written.
    pub(super) fn written(&self, key: &str) -> Option<&str> {
        self.written.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
    }
}

/// Reads the query of a URL. The limits of numbers are those of [`feedlab_experiment::choice::answer`].
pub(super) fn read(at: &Uri) -> Result<Asked, String> {
    if at.query().map_or(0, str::len) > MAX_CHOICE_QUERY_BYTES {
        return Err(format!("the query may have at most {MAX_CHOICE_QUERY_BYTES} bytes"));
    }
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(at).map_err(|_| "the query is malformed")?;
    let mut asked = Asked::default();
    for (key, value) in &pairs {
        let is_list = key == "between";
        if !is_list && asked.written(key).is_some() {
            return Err(format!("`{}` is there twice; remove one of them", shortened(key)));
        }
        // A form sends empty fields too.
        if !value.trim().is_empty() {
            set(&mut asked, key, value).map_err(|error| format!("`{}`: {error}", shortened(key)))?;
        }
        asked.written.push((key.clone(), value.clone()));
    }
    Ok(asked)
}

fn set(asked: &mut Asked, key: &str, value: &str) -> Result<(), String> {
    let question = &mut asked.question;
    match key {
        "x" => asked.axes.0 = value.parse()?,
        "y" => asked.axes.1 = value.parse()?,
        "width" => asked.narrow = value == "narrow",
        "pattern" => question.pattern = value.parse()?,
        "delivery" => question.delivery = value.parse()?,
        "between" => question.between.push(value.parse()?),
        "browser" => question.browser = yes(value)?,
        "chat" => question.chat = yes(value)?,
        "cares_about" => question.cares_about = list::<Criterion>(value)?,
        "prices" => question.prices = list::<Price>(value)?,
        _ => {
            let unknown = || "there is no such key; the page at /choose has all of them".to_owned();
            let input = Input::ALL.into_iter().find(|input| input.name() == key).ok_or_else(unknown)?;
            *question = input.with(question, input.parse(value)?);
        }
    }
    Ok(())
}

fn yes(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("{:?} is neither true nor false", shortened(value)))
}

fn list<T: std::str::FromStr<Err = String>>(value: &str) -> Result<Vec<T>, String> {
    value.split(',').filter(|part| !part.trim().is_empty()).map(str::parse).collect()
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedlab_experiment::choice::Between;

    use super::*;

    fn read_query(query: &str) -> Result<Asked, String> {
        read(&format!("/choose?{query}").parse().unwrap())
    }

    #[test]
    fn every_key_sets_its_part_of_the_question() {
        let query = "rate=30%2Fmin&rtt=100ms&clients=10k&between=nginx&between=idle+timeout+of+60s&browser=false\
                     &cares_about=cpu,age&idle_timeout=&x=clients&y=rate&width=narrow&pattern=steady&prices=0.09/GB";
        let asked = read_query(query).unwrap();
        let question = &asked.question;
        assert_eq!((question.rate, question.rtt, question.clients), (0.5, Duration::from_millis(100), 10_000));
        assert_eq!(question.between, [Between::Nginx, Between::IdleTimeout(Duration::from_secs(60))]);
        assert_eq!(question.cares_about, [Criterion::Cpu, Criterion::Age]);
        assert!(!question.browser && asked.narrow && question.prices.len() == 1);
        assert_eq!(asked.axes, (Input::Clients, Input::Rate));
        assert_eq!(read_query("").unwrap().question, Question::default());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (query, says) in [
            ("rate=fast", "is not a rate"),
            ("pigeons=3", "no such key"),
            ("rate=1&rate=2", "twice"),
            ("rtt=99999999999999999999s", "not a duration"),
            ("x=pigeons", "poll_interval"),
            ("browser=maybe", "neither true nor false"),
        ] {
            let error = read_query(query).unwrap_err();
            assert!(error.contains(says), "{query}: {error}");
        }
        let long = "a".repeat(MAX_CHOICE_QUERY_BYTES + 1);
        assert!(read_query(&long).unwrap_err().contains("at most"));
    }
}
