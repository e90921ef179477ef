//! What is expected of updates: which arrive, how often and in which order, and with what data.

use std::time::Duration;

use super::difference::{Arrival, Difference, after, differ};
use super::{CaseRun, Deadline, Look, Miss, listed};
use crate::contract::{Endpoint, Profile, Time};
use crate::run::exchange::{Exchange, View};
use crate::run::observed::{Item, Observed, observe};

/// How long an update must not arrive again, by default.
const QUIET: Duration = Duration::from_millis(300);

impl CaseRun<'_, '_> {
    pub(super) async fn expect_updates(
        &self,
        of: &str,
        are: &[String],
        within: Option<Time>,
        quiet: Option<Time>,
    ) -> Result<(), Miss> {
        let wanted = self.updates_of(are);
        let expected = self.expected(&wanted);
        self.each(of, &expected, within, |exchange, view| {
            let observed = self.observed(exchange, view);
            let arrivals = self.arrivals(&observed);
            let is_final = view.is_over();
            match differ(&self.updates, &wanted, &arrivals) {
                Difference::None if is_final || exchange.is_stream() => Look::Met,
                Difference::None => Look::NotYet(complained("no complete response".to_owned(), &observed)),
                Difference::Now(came) => Look::Never(came),
                Difference::Maybe(came) if is_final => Look::Never(complained(came, &observed)),
                Difference::Maybe(came) => Look::NotYet(complained(came, &observed)),
            }
        })
        .await?;
        let quiet = Deadline::after(quiet.map_or(QUIET, |quiet| quiet.0));
        for index in self.members(of).into_iter().filter(|&index| self.exchanges[index].is_stream()) {
            let exchange = &self.exchanges[index];
            let stayed = self.stays(index, quiet, |view| {
                match differ(&self.updates, &wanted, &self.arrivals(&self.observed(exchange, view))) {
                    Difference::None => None,
                    Difference::Now(came) | Difference::Maybe(came) => Some(came),
                }
            });
            stayed.await.map_err(|came| self.miss(of, index, &expected, came))?;
        }
        Ok(())
    }

    pub(super) async fn expect_none(&self, of: &str, updates: &[String], time: Time) -> Result<(), Miss> {
        let unwanted = self.updates_of(updates);
        let names = self.names(&unwanted);
        let expected = format!(
            "{} {} for {}",
            count_of(&unwanted, "no update", "none of the updates"),
            names,
            humantime::format_duration(time.0)
        );
        self.each_stays(of, &expected, time.0, |exchange, view| {
            let arrivals = self.arrivals(&self.observed(exchange, view));
            let arrival = arrivals.into_iter().find(|arrival| unwanted.contains(&arrival.update))?;
            Some(format!("{}, {}", self.updates[arrival.update].name, after(&self.updates, arrival)))
        })
        .await
    }

    pub(super) async fn expect_data(&self, of: &str, update: &str, is: &str, within: Option<Time>) -> Result<(), Miss> {
        let Some(&wanted) = self.published.get(update).and_then(|updates| updates.first()) else { return Ok(()) };
        let update = &self.updates[wanted];
        let data = self.fill(is, |name| (name == "TEXT").then(|| update.text.clone()))?;
        let expected = format!("update {} with the data {data:?}", update.name);
        self.each(of, &expected, within, |exchange, view| {
            let observed = self.observed(exchange, view);
            let item = observed.items.iter().find(|item| self.context.tokens.find(&item.text).contains(&update.number));
            match item {
                None => Look::NotYet(complained(format!("no update {}", update.name), &observed)),
                Some(item) if self.has_data(item, &data) => Look::Met,
                Some(item) => Look::Never(format!("update {} with the data {:?}", update.name, shortened(&item.text))),
            }
        })
        .await
    }

    /// Whether an item has this data: exactly, on a feedlab server; anywhere in what others wrap around it.
    fn has_data(&self, item: &Item, data: &str) -> bool {
        match &item.data {
            Some(own) => own == data,
            None if self.context.target.profile == Profile::Feedlab => false,
            None => {
                let body = serde_json::from_str(&item.text).unwrap_or_default();
                item.text.contains(data) || has_text(&body, data)
            }
        }
    }

    pub(super) fn expect_ids(&self, of: &str) -> Result<(), Miss> {
        self.each_now(of, "an id in every event with an update", |exchange, view| {
            let observed = self.observed(exchange, view);
            let is_ours = |item: &&Item| !self.indexes(item).is_empty();
            if exchange.endpoint != Endpoint::Sse {
                return Some("no event stream".to_owned());
            }
            let mut ours = observed.items.iter().filter(is_ours).peekable();
            if ours.peek().is_none() {
                return Some(complained("no event with an update of this case".to_owned(), &observed));
            }
            let without = ours.find(|item| !item.has_own_id)?;
            let names = self.names(&self.indexes(without));
            Some(format!("the event with update {names} has no id in its own block"))
        })
    }

    pub(super) async fn expect_events(
        &self,
        of: &str,
        at_least: usize,
        kind: Option<&str>,
        within: Option<Time>,
    ) -> Result<(), Miss> {
        let of_type = kind.map_or_else(String::new, |kind| format!(" of type {kind}"));
        let things = if at_least == 1 { "event" } else { "events" };
        let expected = format!("at least {at_least} {things}{of_type}");
        self.each(of, &expected, within, |exchange, view| {
            let observed = self.observed(exchange, view);
            let is_it = |item: &&Item| kind.is_none() || item.kind.as_deref() == kind;
            let count = observed.items.iter().filter(is_it).count();
            let came = || complained(if count == 0 { "none".to_owned() } else { format!("{count}") }, &observed);
            match count >= at_least {
                true => Look::Met,
                false if view.is_over() => Look::Never(came()),
                false => Look::NotYet(came()),
            }
        })
        .await
    }

    pub(super) async fn expect_gap(&self, of: &str, within: Option<Time>) -> Result<(), Miss> {
        self.each(of, "a report that updates are missing: a gap or a reset", within, |exchange, view| {
            let observed = self.observed(exchange, view);
            let came = || complained("no gap and no reset".to_owned(), &observed);
            match observed.is_reported {
                true => Look::Met,
                false if view.is_over() => Look::Never(came()),
                false => Look::NotYet(came()),
            }
        })
        .await
    }

    pub(super) async fn expect_complete_or_reported(
        &self,
        of: &str,
        are: &[String],
        or_ended: bool,
        within: Option<Time>,
    ) -> Result<(), Miss> {
        let wanted = self.updates_of(are);
        let what = count_of(&wanted, "update", "updates");
        let expected =
            format!("{what} {}, or a gap, a reset or a 4xx status: nothing is lost silently", self.names(&wanted));
        self.each(of, &expected, within, |exchange, view| {
            let observed = self.observed(exchange, view);
            let arrivals = self.arrivals(&observed);
            let missing: Vec<usize> = wanted
                .iter()
                .copied()
                .filter(|update| !arrivals.iter().any(|arrival| arrival.update == *update))
                .collect();
            let is_refused = view.status().is_some_and(|status| (400..500).contains(&status));
            let is_ended = or_ended && view.received.ended.is_some();
            if observed.is_reported || is_refused || is_ended || missing.is_empty() {
                return Look::Met;
            }
            let came = complained(format!("no {}, and the loss is not reported", self.names(&missing)), &observed);
            if view.is_over() { Look::Never(came) } else { Look::NotYet(came) }
        })
        .await
    }

    pub(super) fn observed(&self, exchange: &Exchange, view: &View) -> Observed {
        observe(self.context.target, exchange, view)
    }

    /// The updates of this case in an item.
    pub(super) fn indexes(&self, item: &Item) -> Vec<usize> {
        let numbers = self.context.tokens.find(&item.text);
        numbers.iter().filter_map(|number| self.updates.iter().position(|update| update.number == *number)).collect()
    }

    pub(super) fn arrivals(&self, observed: &Observed) -> Vec<Arrival> {
        let of_item = |item: &Item| {
            self.indexes(item).into_iter().map(|update| Arrival { update, at: item.at }).collect::<Vec<_>>()
        };
        observed.items.iter().flat_map(of_item).collect()
    }

    fn names(&self, updates: &[usize]) -> String {
        listed(updates.iter().map(|&update| self.updates[update].name.as_str()), "and")
    }

    fn expected(&self, wanted: &[usize]) -> String {
        match wanted {
            [] => "none of this case's updates".to_owned(),
            [_] => format!("update {} exactly once", self.names(wanted)),
            _ => format!("updates {}, once each and in this order", self.names(wanted)),
        }
    }
}

fn count_of<'a>(updates: &[usize], one: &'a str, several: &'a str) -> &'a str {
    if updates.len() == 1 { one } else { several }
}

/// What came, with what else is wrong with the answer.
fn complained(came: String, observed: &Observed) -> String {
    match &observed.complaint {
        Some(complaint) => format!("{came} ({complaint})"),
        None => came,
    }
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}

/// Whether a text is in any string of a JSON value.
fn has_text(value: &serde_json::Value, text: &str) -> bool {
    match value {
        serde_json::Value::String(string) => string.contains(text),
        serde_json::Value::Array(values) => values.iter().any(|value| has_text(value, text)),
        serde_json::Value::Object(object) => object.values().any(|value| has_text(value, text)),
        _ => false,
    }
}
