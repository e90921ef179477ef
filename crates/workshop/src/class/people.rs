//! Who is here: the devices whose pages have asked for the class lately, their names, and what they signal.
//!
//! In memory only: after a restart every page asks again within seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use feedlab_experiment::class::{Vote, name_for};
use feedlab_feed::clock;
use serde::{Deserialize, Serialize};

use crate::limits::MAX_PEOPLE;

/// A page that has not asked for this long has left. A phone that is locked for a while has not.
const STAYS_FOR: Duration = Duration::from_secs(10 * 60);

/// What a learner tells the instructor: the sticky note on a laptop's lid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Signal {
    /// Nothing.
    #[default]
    None,
    /// Finished.
    Done,
    /// Needs help.
    Stuck,
}

#[derive(Debug)]
struct Person {
    name: String,
    signal: Signal,
    seen: Instant,
}

/// The names of those who signal.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Signals {
    done: Vec<String>,
    stuck: Vec<String>,
}

/// Everybody who is here, by device.
#[derive(Debug, Default)]
pub(crate) struct People {
    by_device: Mutex<BTreeMap<String, Person>>,
}

impl People {
    /// Notes that a device is here. `name` is the one from [`Self::name`]. Beyond the limit, nobody else is counted.
    pub(crate) fn note(&self, device: &str, name: &str, signal: Signal) {
        let mut people = self.here();
        if people.len() < MAX_PEOPLE || people.contains_key(device) {
            let person = Person { name: name.to_owned(), signal, seen: clock::now() };
            people.insert(device.to_owned(), person);
        }
    }

    /// Returns the name under which a device takes part: as typed, unless another device has it.
    pub(crate) fn name(&self, who: &str, device: Option<&str>, votes: &[Vote]) -> String {
        let Some(device) = device else { return who.to_owned() };
        let people = self.here();
        name_for(who, |name| {
            let votes_as = |vote: &&Vote| vote.who == name;
            // The first who voted under a name keeps it.
            if let Some(first) = votes.iter().find(votes_as) {
                return first.device.as_deref() == Some(device);
            }
            people.iter().all(|(other, person)| other == device || person.name != name)
        })
    }

    /// How many are here.
    pub(crate) fn count(&self) -> usize {
        self.here().len()
    }

    /// Who signals what.
    pub(crate) fn signals(&self) -> Signals {
        let people = self.here();
        let names = |signal| people.values().filter(|p| p.signal == signal).map(|p| p.name.clone()).collect();
        Signals { done: names(Signal::Done), stuck: names(Signal::Stuck) }
    }

    /// Everybody who has not left.
    fn here(&self) -> MutexGuard<'_, BTreeMap<String, Person>> {
        let mut people = self.by_device.lock().unwrap_or_else(PoisonError::into_inner);
        people.retain(|_, person| clock::now().duration_since(person.seen) < STAYS_FOR);
        people
    }
}

#[cfg(test)]
mod tests {
    use feedlab_experiment::class::{Answer, Round};

    use super::*;

    #[test]
    fn w5_a_name_belongs_to_the_device_that_took_it_first() {
        let people = People::default();
        assert_eq!(people.name("Ada", Some("a"), &[]), "Ada");
        people.note("a", "Ada", Signal::None);
        assert_eq!(people.name("Ada", Some("a"), &[]), "Ada");
        assert_eq!(people.name("Ada", Some("b"), &[]), "Ada (2)");
        assert_eq!(people.name("Ada", None, &[]), "Ada", "programs are trusted");
        let vote = Vote {
            question: "q".into(),
            round: Round::Before,
            who: "Bob".into(),
            answer: Answer::Number(1.0),
            count: 1,
            at: 1,
            id: None,
            device: Some("b".into()),
        };
        let voted = [vote];
        assert_eq!(people.name("Bob", Some("a"), &voted), "Bob (2)", "also after a restart");
        assert_eq!(people.name("Bob", Some("b"), &voted), "Bob");
    }

    #[test]
    fn signals_are_listed_by_name_and_people_are_bounded() {
        let people = People::default();
        people.note("a", "Ada", Signal::Done);
        people.note("b", "Bob", Signal::Stuck);
        people.note("a", "Ada", Signal::None);
        assert_eq!(people.signals(), Signals { done: vec![], stuck: vec!["Bob".into()] });
        for index in 0..2 * MAX_PEOPLE {
            people.note(&format!("d{index}"), "x", Signal::None);
        }
        assert_eq!(people.count(), MAX_PEOPLE);
    }
}
