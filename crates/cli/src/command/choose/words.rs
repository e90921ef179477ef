//! The sentences of an answer.

use std::path::Path;

use feedlab_experiment::choice::{Answer, Between, Criterion, Crossing, Delivery, Nearest, Pattern, Proof, Question};
use feedlab_experiment::scenario::Transport;
use feedlab_report::human;

/// Returns what was asked, in one sentence.
pub(super) fn question(question: &Question) -> String {
    let clients = format!("{} {}", human::count(question.clients as f64), plural(question.clients, "client"));
    let rate = human::rough(question.updates_per_s());
    let feed = match (question.chat, question.pattern) {
        (true, _) => format!("{rate} messages/s from each other"),
        (false, Pattern::Bursts(size)) => format!("{rate} updates/s in bursts of {size}"),
        (false, pattern) => format!("{rate} {pattern} updates/s"),
    };
    let age = human::duration(question.budget);
    let delivery = if question.delivery == Delivery::Every { "none lost" } else { "the newest is enough" };
    let away = human::duration(question.rtt);
    let mut text = format!(
        "{clients}, {feed} of {} B, at most {age} old, {delivery}, {away} away",
        human::count(question.payload_bytes as f64)
    );
    if question.sends > 0.0 && !question.chat {
        text += &format!(", each sends {}/s", human::rough(question.sends));
    }
    let between: Vec<String> = question.between.iter().map(Between::in_words).collect();
    if between.is_empty() { text } else { format!("{text}, behind {}", between.join(" and ")) }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// Returns a transport's name in a sentence.
pub(super) const fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::ShortPolling => "short polling",
        Transport::LongPolling => "long polling",
        Transport::Sse => "SSE",
        Transport::WebSocket => "WebSocket",
    }
}

/// Returns a criterion's name in a sentence.
pub(super) const fn criterion(criterion: Criterion) -> &'static str {
    if matches!(criterion, Criterion::Cpu) { "CPU" } else { criterion.name() }
}

/// Returns a criterion's value with its unit.
pub(super) fn value(criterion: Criterion, value: f64) -> String {
    match criterion {
        Criterion::Age => human::time(value * 1e6),
        Criterion::Bytes => format!("{}/s", human::size(value)),
        Criterion::Requests => format!("{}/s", human::rough(value)),
        Criterion::Cpu => format!("{} cores", human::rough(value)),
        Criterion::Memory => human::size(value),
        Criterion::Servers => format!("{} servers", human::count(value)),
        Criterion::Money => format!("{} a month", human::count(value)),
    }
}

/// Returns a criterion's value for a table, whose heading says what is counted.
pub(super) fn cell(criterion: Criterion, of: f64) -> String {
    match criterion {
        Criterion::Cpu => human::rough(of),
        Criterion::Servers | Criterion::Money => human::count(of),
        _ => value(criterion, of),
    }
}

/// Returns what to choose and why.
pub(super) fn verdict(answer: &Answer) -> String {
    let Some(winner) = answer.winner() else {
        return "Nothing fits: each transport breaks one of your conditions.".to_owned();
    };
    let name = transport(winner);
    if answer.is_tie() {
        let all: Vec<&str> = answer.winners.iter().map(|one| transport(*one)).collect();
        let criteria: Vec<&str> = answer.rankings.iter().map(|ranking| criterion(ranking.criterion)).collect();
        return format!("A tie: {} are equal by {}. Take {name}, the simplest of them.", list(&all), list(&criteria));
    }
    let Some(decisive) = answer.decided_by else { return format!("Choose {name}: nothing else fits.") };
    format!("Choose {name}{}.", lead(answer, winner, decisive).unwrap_or_default())
}

/// Returns by how much the winner is ahead of the next by the criterion that decided.
fn lead(answer: &Answer, winner: Transport, decisive: Criterion) -> Option<String> {
    let places = &answer.rankings.iter().find(|ranking| ranking.criterion == decisive)?.places;
    let best = places.iter().find(|place| place.transport == winner)?;
    let next = places.iter().find(|place| place.place > best.place)?;
    let [mine, other] = [best.value?, next.value?].map(|one| value(decisive, one));
    Some(format!(", by {}: {mine}, and the next, {}, {other}", criterion(decisive), transport(next.transport)))
}

fn list(all: &[&str]) -> String {
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => all.concat(),
    }
}

/// Returns the ranking by each criterion, in one line each.
pub(super) fn rankings(answer: &Answer) -> String {
    let one = |ranking: &feedlab_experiment::choice::Ranking| {
        let mut text = format!("by {} ", criterion(ranking.criterion));
        for (index, place) in ranking.places.iter().enumerate() {
            let is_tied = index > 0 && ranking.places[index - 1].place == place.place;
            text += if index == 0 {
                ""
            } else if is_tied {
                " = "
            } else {
                " < "
            };
            text += transport(place.transport);
        }
        text
    };
    let all: Vec<String> = answer.rankings.iter().map(one).collect();
    format!("Ranking (= is a tie) {}.", all.join("; "))
}

/// Returns where the answer changes, a line for each input, and one for those in which it never does.
pub(super) fn crossings(crossings: &[Nearest]) -> Vec<(String, String)> {
    let (changing, never): (Vec<&Nearest>, Vec<&Nearest>) =
        crossings.iter().partition(|nearest| nearest.below.is_some() || nearest.above.is_some());
    let mut all: Vec<(String, String)> =
        changing.into_iter().map(|nearest| (nearest.input.key().to_owned(), changes(nearest))).collect();
    let ranges: Vec<String> = never
        .iter()
        .map(|nearest| {
            let [least, most] = [nearest.range.0, nearest.range.1].map(|value| nearest.input.text(value));
            format!("{} from {least} to {most}", nearest.input.key())
        })
        .collect();
    if !ranges.is_empty() {
        all.push(("never".to_owned(), format!("with {}", ranges.join(", "))));
    }
    all
}

fn changes(nearest: &Nearest) -> String {
    let one = |side: &str, crossing: &Crossing| {
        let winner = crossing.winner.map_or("nothing fits", transport);
        format!("{side} {}: {winner}, {}", nearest.input.text(crossing.at), crossing.because)
    };
    let below = nearest.below.iter().map(|crossing| one("below", crossing));
    let above = nearest.above.iter().map(|crossing| one("above", crossing));
    let now = nearest.value.map_or_else(|| "none now".to_owned(), |value| format!("now {}", nearest.input.text(value)));
    let sides: Vec<String> = below.chain(above).collect();
    format!("{now}; {}", sides.join("; "))
}

/// Returns the heading of what to do in practice.
pub(super) const fn in_practice(winner: Transport) -> &'static str {
    match winner {
        Transport::ShortPolling => "In practice, with short polling",
        Transport::LongPolling => "In practice, with long polling",
        Transport::Sse => "In practice, with SSE",
        Transport::WebSocket => "In practice, with a WebSocket",
    }
}

/// Returns the two experiments.
pub(super) fn experiments(answer: &Answer, proof: &Proof, file: &Path) -> Vec<String> {
    let run = format!("feedlab run {}", file.display());
    let mut notes = vec!["the thresholds are the budget".to_owned()];
    if proof.clients < answer.question.clients {
        notes.push(format!("{} of the clients, which one machine can drive", human::count(proof.clients as f64)));
    }
    if proof.pace > 1 {
        notes.push(format!("time runs {} times faster", proof.pace));
    }
    let first = format!("{run}: {}.", notes.join("; "));
    let second = match &proof.second {
        None => "No second one: nothing that a scenario can change changes the answer.".to_owned(),
        Some(second) => {
            let ahead = second.winner.map_or_else(
                || "there nothing should meet the budget".to_owned(),
                |winner| format!("there {} should be ahead", transport(winner)),
            );
            format!("{run} --set {}: {ahead}.", second.change)
        }
    };
    vec![first, second]
}

/// Returns where the figures come from.
pub(super) fn sources(answer: &Answer) -> String {
    format!(
        "Measured: costs of run {}, extrapolated to servers of 2.4 cores and 16 GiB. Bytes: on the wire, \
         both directions, HTTP/1.1. Money: a month. A tie: below 5 %, of CPU and memory 10 %.",
        answer.reference
    )
}
