//! The answer to a question in words: what is the best, why the others are not, and when that would change.

use feedlab_experiment::choice::{self, Answer, Candidate, Exclusion, Input, Nearest, Question};
use feedlab_feed::Transport;
use feedlab_report::human;
use serde::Serialize;

/// An answer, for the page and for programs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Words {
    /// What is the best.
    pub(super) best: String,
    /// The ids of the best transports.
    pub(super) winners: Vec<Transport>,
    /// A row per transport, with a cell for each of [`HEAD`].
    pub(super) rows: Vec<[String; 5]>,
    /// When the answer would change, a sentence per input.
    pub(super) changes: Vec<String>,
    /// Where each slider is, from 0 to 1000, by the name of its input.
    pub(super) sliders: Vec<(&'static str, u32)>,
    /// The whole answer.
    pub(super) answer: Answer,
    /// The nearest changes in each input.
    pub(super) crossings: Vec<Nearest>,
}

/// The head of the table.
pub(super) const HEAD: [&str; 5] = ["transport", "does it fit?", "age (p99)", "bytes per client", "requests"];

impl Words {
    /// Answers a question.
    ///
    /// # Errors
    /// The reason why it has no answer.
    pub(super) fn of(question: &Question) -> Result<Self, String> {
        let answer = choice::answer(question).map_err(|error| error.to_string())?;
        let crossings = answer.crossings();
        Ok(Self {
            best: best(&answer),
            winners: answer.winners.clone(),
            rows: answer.candidates.iter().map(row).collect(),
            changes: crossings.iter().filter_map(change).collect(),
            sliders: Input::ALL
                .into_iter()
                .filter_map(|input| Some((input.name(), slider(input, question)?)))
                .collect(),
            answer,
            crossings,
        })
    }
}

/// Returns where a slider is; `None` if the input has no value.
pub(super) fn slider(input: Input, question: &Question) -> Option<u32> {
    let (low, high) = input.usual();
    let value = input.value(question)?.clamp(low, high);
    Some((1_000.0 * (value / low).ln() / (high / low).ln()).round() as u32)
}

fn best(answer: &Answer) -> String {
    let by = answer.decided_by.map(|criterion| format!(" by {}", criterion.name())).unwrap_or_default();
    match (answer.winner(), answer.is_tie()) {
        (None, _) => "Nothing fits.".to_owned(),
        (Some(winner), false) => format!("The best is {}{by}.", winner.label()),
        (Some(winner), true) => {
            let labels: Vec<&str> = answer.winners.iter().map(|one| one.label()).collect();
            format!("{} are equal; the simplest of them is {}.", labels.join(" and "), winner.label())
        }
    }
}

fn row(candidate: &Candidate) -> [String; 5] {
    let fits = match &candidate.exclusions[..] {
        [] => "yes".to_owned(),
        exclusions => format!("no: {}", exclusions.iter().map(Exclusion::sentence).collect::<Vec<_>>().join("; ")),
    };
    let figures = candidate.figures;
    let cell = |text: Option<String>| text.unwrap_or_else(|| human::ABSENT.to_owned());
    [
        candidate.contender.label.clone(),
        fits,
        cell(figures.map(|figures| human::time(figures.age_p99_s * 1e6))),
        cell(figures.map(|figures| format!("{}/s", human::size(figures.bytes_per_client_s)))),
        cell(figures.map(|figures| format!("{}/s", human::rough(figures.requests_per_s)))),
    ]
}

fn change(nearest: &Nearest) -> Option<String> {
    let crossing = nearest.nearer()?;
    let is_below = nearest.value.is_none_or(|value| crossing.at < value);
    let way = if is_below { "below" } else { "above" };
    let name = nearest.input.label().split(':').next().unwrap_or_default();
    let winner = crossing.winner.map_or("nothing fits", Transport::label);
    Some(format!("{name} {way} {}: {winner}, because {}", nearest.input.text(crossing.at), crossing.because))
}
