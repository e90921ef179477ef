//! The ranking of the candidates that fit: by each criterion, with ties, and over all of them.

use feedlab_feed::Transport;
use serde::Serialize;

use super::{Candidate, Criterion, Question, candidate};

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// Every transport, in the order of the workshop.
    pub candidates: Vec<Candidate>,
    /// The ranking by each criterion, the most important criterion first.
    pub rankings: Vec<Ranking>,
    /// The best transports: more than one if they are equal by every criterion, none if nothing fits.
    pub winners: Vec<Transport>,
    /// The criterion that decided; `None` if nothing had to be decided, or nothing did.
    pub decided_by: Option<Criterion>,
    /// The transports that fit and are not among the best, each with the criterion by which it fell behind.
    pub behind: Vec<(Transport, Criterion)>,
    /// The run whose measured costs are extrapolated.
    pub reference: &'static str,
}

/// The ranking by one criterion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// The criterion.
    pub criterion: Criterion,
    /// The candidates that fit, the best first.
    pub places: Vec<Place>,
}

/// The place of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Place {
    /// The place, from 1; equal for candidates that differ by less than the figures' own error.
    pub place: usize,
    /// The transport.
    pub transport: Transport,
    /// The value; `None` if it is not known, which is last.
    pub value: Option<f64>,
}

/// The order of transports that are equal: the one that needs the least of client and server.
const SIMPLEST: [Transport; 4] =
    [Transport::ShortPolling, Transport::Sse, Transport::LongPolling, Transport::WebSocket];

impl Answer {
    pub(super) fn of(question: &Question, candidates: Vec<Candidate>) -> Self {
        let criteria = question.criteria();
        let clients = question.clients;
        let rankings = criteria.iter().map(|criterion| Ranking::of(*criterion, &candidates, clients)).collect();
        let (winners, behind) = best(&criteria, &candidates, clients);
        let decided_by = behind.last().map(|(_, criterion)| *criterion);
        let question = question.clone();
        Self { question, candidates, rankings, winners, decided_by, behind, reference: candidate::reference() }
    }

    /// Returns the transport to choose: of several that are equal, the simplest; `None` if nothing fits.
    #[must_use]
    pub fn winner(&self) -> Option<Transport> {
        SIMPLEST.into_iter().find(|transport| self.winners.contains(transport))
    }

    /// Returns a candidate.
    #[must_use]
    pub fn candidate(&self, transport: Transport) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.transport == transport)
    }

    /// Whether several transports are the best.
    #[must_use]
    pub fn is_tie(&self) -> bool {
        self.winners.len() > 1
    }
}

/// Goes through the criteria, and keeps at each those that are equal to the best. Also returns the others, each with
/// the criterion by which it fell behind, in the order in which they did.
fn best(
    criteria: &[Criterion],
    candidates: &[Candidate],
    clients: u64,
) -> (Vec<Transport>, Vec<(Transport, Criterion)>) {
    let mut left: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.fits()).collect();
    let mut behind = Vec::new();
    for criterion in criteria {
        let least = left.iter().filter_map(|one| value(one, *criterion)).min_by(f64::total_cmp);
        let Some(least) = least else { continue };
        let is_best =
            |one: &Candidate| value(one, *criterion).is_some_and(|value| is_equal(*criterion, clients, (least, value)));
        behind.extend(left.iter().filter(|one| !is_best(one)).map(|one| (one.transport, *criterion)));
        left.retain(|one| is_best(one));
    }
    (left.iter().map(|candidate| candidate.transport).collect(), behind)
}

fn value(candidate: &Candidate, criterion: Criterion) -> Option<f64> {
    candidate.figures.and_then(|figures| figures.value(criterion))
}

/// Whether two values of a criterion differ by less than their own error.
fn is_equal(criterion: Criterion, clients: u64, (a, b): (f64, f64)) -> bool {
    let far = (a - b).abs();
    far <= criterion.tolerance() * a.abs().max(b.abs()) || far <= criterion.resolution(clients)
}

impl Ranking {
    fn of(criterion: Criterion, candidates: &[Candidate], clients: u64) -> Self {
        let mut all: Vec<(Transport, Option<f64>)> =
            candidates.iter().filter(|one| one.fits()).map(|one| (one.transport, value(one, criterion))).collect();
        all.sort_by(|(_, a), (_, b)| a.unwrap_or(f64::INFINITY).total_cmp(&b.unwrap_or(f64::INFINITY)));
        let (mut place, mut first) = (0, None);
        let places = all.into_iter().enumerate().map(|(index, (transport, value))| {
            let is_tied = index > 0 && first.zip(value).is_some_and(|pair| is_equal(criterion, clients, pair));
            if !is_tied {
                (place, first) = (index + 1, value);
            }
            Place { place, transport, value }
        });
        Self { criterion, places: places.collect() }
    }
}
