//! The sentences of a map.

use super::{Map, Outcome, Spot};
use crate::choice::{Answer, Criterion, Exclusion, Input, Nearest, answer};

impl Map {
    /// Returns what the map says, in sentences: where the question is, what is the best there, and the nearest change
    /// along each axis.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let Some(here) = &self.here else {
            return vec!["The question has no value on one of the axes, so it is not on the map.".to_owned()];
        };
        let [x, y] =
            [(self.x.input, here.values.0), (self.y.input, here.values.1)].map(|(input, value)| at(input, value));
        let mut all = vec![format!("You are here: {x} and {y}. {}", best(here.outcome))];
        all.extend(here.nearest.iter().map(change));
        all
    }

    /// Returns a title.
    #[must_use]
    pub fn title(&self) -> String {
        let best = self.here.as_ref().map(|here| match here.outcome {
            Outcome::Best(_) if here.outcome.is_tie() => format!(": {} are equal here", listed(here.outcome)),
            Outcome::Best(_) => format!(": here, it is {}", here.outcome),
            _ => ": nothing fits here".to_owned(),
        });
        let [x, y] = [self.x.input, self.y.input].map(|input| match input {
            Input::Budget => "budget",
            Input::Payload => "payload",
            Input::Rate => "update rate",
            other => other.label(),
        });
        format!("The best transport by {x} and {y}{}", best.unwrap_or_default())
    }
}

/// Returns an input with its value.
fn at(input: Input, value: f64) -> String {
    let label = input.label().split(':').next().unwrap_or_default();
    match input {
        Input::Rate => format!("{} updates per second", input.text(value).trim_end_matches("/s")),
        Input::Clients => format!("{} clients", input.text(value)),
        Input::Deploys => format!("{} deployments per day", input.text(value)),
        Input::Sends => format!("{} messages per second of a client", input.text(value).trim_end_matches("/s")),
        Input::Payload | Input::Rtt | Input::Budget | Input::PollInterval => {
            format!("a {label} of {}", input.text(value))
        }
        Input::IdleTimeout => format!("an {label} of {}", input.text(value)),
    }
}

fn listed(outcome: Outcome) -> String {
    outcome.to_string().replace(" = ", " and ")
}

fn best(outcome: Outcome) -> String {
    match outcome {
        Outcome::Best(_) if outcome.is_tie() => format!("{} are equal.", listed(outcome)),
        Outcome::Best(_) => format!("The best is {outcome}."),
        Outcome::TooFar => "Nothing fits: the way alone takes longer than the budget.".to_owned(),
        Outcome::TooMuch => "Nothing fits: each client would receive more than a link carries.".to_owned(),
        Outcome::NoneFits => "Nothing fits: every transport is excluded.".to_owned(),
    }
}

fn change(nearest: &Nearest) -> String {
    let name = nearest.input.label().split(':').next().unwrap_or_default();
    let Some(crossing) = nearest.nearer() else {
        return format!("Along {name}, nothing changes.");
    };
    let from = nearest.value.is_some_and(|value| crossing.at < value);
    let winner =
        crossing.winner.map_or_else(|| "nothing fits".to_owned(), |winner| format!("it is {}", winner.label()));
    let way = if from { "below" } else { "above" };
    format!("Along {name}, the nearest change is {way} {}: {winner}.", nearest.input.text(crossing.at))
}

/// Returns why the answer changes between two places with different outcomes, and the criterion that decides.
pub(super) fn why(map: &Map, (a, b): (Outcome, Outcome), (left, right): (Spot, Spot)) -> (String, Option<Criterion>) {
    match (a, b) {
        (_, Outcome::TooFar) => return ("the way alone takes longer than the budget".to_owned(), None),
        (_, Outcome::TooMuch) => return ("more than a link carries".to_owned(), None),
        _ => {}
    }
    let answers = [left, right].map(|spot| answer(&map.question_at(spot)).ok());
    let [Some(left), Some(right)] = &answers else { return ("nothing fits".to_owned(), None) };
    if let Some(exclusion) = excluded(left, right).or_else(|| excluded(right, left)) {
        return (rule(&exclusion).to_owned(), None);
    }
    let changed = changed(left, right).or(left.decided_by).or(right.decided_by);
    (changed.map_or_else(|| "they become equal".to_owned(), |one| format!("by {}", one.name())), changed)
}

/// Returns what excludes, on the other side, one of the best of this side.
fn excluded(here: &Answer, there: &Answer) -> Option<Exclusion> {
    let gone = here.winners.iter().filter(|one| !there.winners.contains(one));
    gone.filter_map(|one| there.candidate(*one)?.exclusions.first().cloned()).next()
}

/// Returns the first criterion by which different transports are the best on both sides.
fn changed(left: &Answer, right: &Answer) -> Option<Criterion> {
    let first = |answer: &Answer, index: usize| -> Option<Vec<_>> {
        let places = &answer.rankings.get(index)?.places;
        let mut first: Vec<_> = places.iter().filter(|one| one.place == 1).map(|one| one.transport).collect();
        first.sort_unstable();
        Some(first)
    };
    let count = left.rankings.len().min(right.rankings.len());
    (0..count).find(|index| first(left, *index) != first(right, *index)).map(|index| left.rankings[index].criterion)
}

const fn rule(exclusion: &Exclusion) -> &'static str {
    match exclusion {
        Exclusion::BudgetMissed { .. } => "updates become too old",
        Exclusion::NoUpgrade { .. } => "no upgrade",
        Exclusion::HeldBack { .. } => "a proxy holds the stream back",
        Exclusion::IdleTooShort { .. } => "the idle timeout is too short",
        Exclusion::MessagesQueue { .. } => "messages wait for a connection",
        Exclusion::HistoryTooShort { .. } => "more updates between two polls than a server keeps",
        Exclusion::NotPredicted => "not predicted",
    }
}
