//! What is expected of an HTTP response: its status, its header fields and its body.

use super::{CaseRun, Look, Miss, listed};
use crate::contract::{Step, Time};
use crate::frames;
use crate::run::exchange::{Exchange, View};

impl CaseRun<'_, '_> {
    pub(super) async fn expect_status(&self, of: &str, is: &[u16], within: Option<Time>) -> Result<(), Miss> {
        let codes: Vec<String> = is.iter().map(u16::to_string).collect();
        let expected = format!("status {}", listed(codes.iter().map(String::as_str), "or"));
        self.each(of, &expected, within, |_, view| match view.status() {
            Some(status) if is.contains(&status) => Look::Met,
            Some(_) => Look::Never(view.status_text()),
            None => Look::NotYet(view.status_text()),
        })
        .await
    }

    pub(super) async fn expect_header(&self, step: &Step) -> Result<(), Miss> {
        let Step::ExpectHeader { of, name, is, contains, not_contains, absent, present } = step else { return Ok(()) };
        let deadline = self.deadline(None);
        for index in self.members(of) {
            let accept = self.exchanges[index].key.as_deref().map(frames::accept_of);
            let fill = |text: &String| self.fill(text, |name| accept.clone().filter(|_| name == "ACCEPT"));
            let wanted = Wanted {
                name,
                is: is.iter().map(fill).collect::<Result<_, _>>()?,
                contains: contains.as_ref().map(fill).transpose()?,
                not_contains: not_contains.as_ref().map(fill).transpose()?,
                is_absent: *absent,
                is_present: *present,
            };
            let met = self.wait(index, deadline, |view| wanted.look(view)).await;
            met.map_err(|came| self.miss(of, index, &wanted.expected(), came))?;
        }
        Ok(())
    }

    pub(super) async fn expect_body(&self, step: &Step) -> Result<(), Miss> {
        let Step::ExpectBody { of, contains, not_contains, empty, json, within } = step else { return Ok(()) };
        let fill = |text: &Option<String>| text.as_ref().map(|text| self.fill(text, |_| None)).transpose();
        let (contains, not_contains) = (fill(contains)?, fill(not_contains)?);
        let mut parts: Vec<String> = Vec::new();
        parts.extend(contains.iter().map(|text| format!("with {text:?}")));
        parts.extend(not_contains.iter().map(|text| format!("without {text:?}")));
        parts.extend(empty.then(|| "that is empty".to_owned()));
        parts.extend(json.then(|| "of JSON".to_owned()));
        let expected = format!("a body {}", listed(parts.iter().map(String::as_str), "and"));
        self.each(of, &expected, *within, |exchange, view| {
            body(exchange, view, contains.as_deref(), not_contains.as_deref(), *empty, *json)
        })
        .await
    }

    pub(super) async fn expect_bytes(&self, of: &str, contains: &str, within: Option<Time>) -> Result<(), Miss> {
        let wanted = self.fill(contains, |_| None)?;
        let expected = format!("the bytes {wanted:?}");
        self.each(of, &expected, within, |_, view| {
            if view.contains(wanted.as_bytes()) {
                Look::Met
            } else {
                Look::NotYet(format!("none of them ({} bytes in total)", view.received.total))
            }
        })
        .await
    }

    pub(super) async fn expect_pending(&self, of: &str, time: Time) -> Result<(), Miss> {
        let expected = format!("no response for {}", humantime::format_duration(time.0));
        self.each_stays(of, &expected, time.0, |_, view| {
            let at = |at: std::time::Duration| format!("{} ms after the case started", at.as_millis());
            match (view.received.chunks.first(), &view.received.ended) {
                (Some((first, _)), _) => Some(format!("{}, {}", view.status_text(), at(*first))),
                (None, Some((end, how))) => Some(format!("the server {}, {}", super::super::trace::how(how), at(*end))),
                (None, None) => None,
            }
        })
        .await
    }
}

/// What a header field must be.
struct Wanted<'a> {
    name: &'a str,
    is: Vec<String>,
    contains: Option<String>,
    not_contains: Option<String>,
    is_absent: bool,
    is_present: bool,
}

impl Wanted<'_> {
    fn expected(&self) -> String {
        let name = self.name;
        let mut parts: Vec<String> = Vec::new();
        if !self.is.is_empty() {
            parts.push(format!("{name}: {}", listed(self.is.iter().map(String::as_str), "or")));
        }
        parts.extend(self.contains.iter().map(|text| format!("{name} with {text:?}")));
        parts.extend(self.not_contains.iter().map(|text| format!("{name} without {text:?}")));
        parts.extend(self.is_absent.then(|| format!("no {name}")));
        parts.extend(self.is_present.then(|| format!("a field {name}")));
        listed(parts.iter().map(String::as_str), "and")
    }

    fn look(&self, view: &View) -> Look {
        let Some(head) = &view.response.head else { return Look::NotYet(view.status_text()) };
        let values: Vec<&str> = head.all(self.name).collect();
        let joined = values.join(", ");
        let lower = joined.to_ascii_lowercase();
        let has = |text: &String| lower.contains(&text.to_ascii_lowercase());
        let is_there = !values.is_empty();
        let is_met = (self.is.is_empty() || (is_there && self.is.iter().any(|allowed| is_same(&joined, allowed))))
            && self.contains.as_ref().is_none_or(has)
            && !self.not_contains.as_ref().is_some_and(has)
            && (is_there || !self.is_present)
            && !(is_there && self.is_absent);
        match (is_met, is_there) {
            (true, _) => Look::Met,
            (false, false) => Look::Never(format!("no {} ({})", self.name, view.status_text())),
            (false, true) => Look::Never(format!("{}: {joined}", self.name)),
        }
    }
}

/// Whether a value is an allowed one. Parameters count only if the allowed value has some; spaces and case do not.
fn is_same(value: &str, allowed: &str) -> bool {
    let normal =
        |text: &str| text.split(';').map(|part| part.trim().to_ascii_lowercase()).collect::<Vec<_>>().join(";");
    let value = if allowed.contains(';') { value } else { value.split(';').next().unwrap_or_default() };
    normal(value) == normal(allowed)
}

fn body(
    exchange: &Exchange,
    view: &View,
    contains: Option<&str>,
    not_contains: Option<&str>,
    empty: bool,
    json: bool,
) -> Look {
    let text = view.response.text();
    if view.response.head.is_none() {
        return Look::NotYet(view.status_text());
    }
    let came = || format!("{}, with {}", view.status_text(), excerpt(&text));
    if not_contains.is_some_and(|unwanted| text.contains(unwanted)) || (empty && !text.is_empty()) {
        return Look::Never(came());
    }
    let is_whole = view.is_over() || (exchange.is_stream() && !empty && !json);
    if contains.is_some_and(|wanted| !text.contains(wanted)) {
        return if view.is_over() { Look::Never(came()) } else { Look::NotYet(came()) };
    }
    if !is_whole {
        return Look::NotYet(format!("no complete body ({})", view.status_text()));
    }
    if json && serde_json::from_str::<serde_json::Value>(&text).is_err() {
        return Look::Never(came());
    }
    Look::Met
}

/// The beginning of a body, for a sentence.
fn excerpt(text: &str) -> String {
    const MOST: usize = 100;
    match text {
        "" => "an empty body".to_owned(),
        text if text.len() <= MOST => format!("the body {text:?}"),
        text => {
            format!("a body of {} bytes that begins with {:?}", text.len(), &text[..text.floor_char_boundary(MOST)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_count_if_the_allowed_value_has_some() {
        assert!(is_same("Text/Event-Stream; charset=utf-8", "text/event-stream"));
        assert!(is_same("text/event-stream;charset=UTF-8", "text/event-stream; charset=utf-8"));
        assert!(!is_same("text/event-stream", "text/event-stream; charset=utf-8"));
        assert!(!is_same("text/plain", "text/event-stream"));
    }
}
