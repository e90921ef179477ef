//! The votes on a question, counted, and beside them what is known about its answer.

use feedlab_experiment::class::{Answer, Choice, Question, Round, Vote, counted};
use serde::Serialize;

use super::ballot::HANDS_UP;
use super::chart;
use super::evidence::Evidence;

/// The most different numbers of a round that are told; of more, the first.
const NUMBERS: usize = 2000;

/// What is told about a question.
#[derive(Debug, Serialize)]
pub(crate) struct Tally {
    pub(crate) question: String,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    /// How many have answered, before and after.
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) choices: Vec<Count>,
    pub(crate) numbers: Numbers,
    /// What the one who asks has said.
    pub(crate) yours: Yours,
    /// What is known; absent while it is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) known: Option<Known>,
    /// All of it as a picture.
    pub(crate) svg: String,
}

/// How many chose.
#[derive(Debug, Serialize)]
pub(crate) struct Count {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) before: u64,
    pub(crate) after: u64,
}

/// The numbers that were said, each with how often.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Numbers {
    pub(crate) before: Vec<(f64, u32)>,
    pub(crate) after: Vec<(f64, u32)>,
}

/// One person's answers.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Yours {
    before: Option<Answer>,
    after: Option<Answer>,
}

/// What is known about the answer.
#[derive(Debug, Serialize)]
pub(crate) struct Known {
    /// By the arithmetic, in the question's unit.
    pub(crate) predicted: Option<f64>,
    /// By a run.
    pub(crate) measured: Option<f64>,
    /// Which run that was.
    pub(crate) from: Option<String>,
    /// Its page.
    pub(crate) report: Option<String>,
    /// The right choice.
    pub(crate) right: Option<String>,
    pub(crate) because: String,
}

impl Tally {
    /// Counts; `known` is left out while it is held back.
    pub(crate) fn of(question: &Question, votes: &[Vote], who: Option<&str>, known: Option<Known>) -> Self {
        let counted: Vec<&Vote> = counted(votes).into_iter().filter(|vote| vote.question == question.id).collect();
        let mut tally = Self {
            question: question.id.clone(),
            text: question.text.clone(),
            unit: question.unit.clone(),
            before: sum(&counted, Round::Before, |_| true),
            after: sum(&counted, Round::After, |_| true),
            choices: question.choices.iter().map(|choice| count(choice, &counted)).collect(),
            numbers: Numbers { before: numbers(&counted, Round::Before), after: numbers(&counted, Round::After) },
            yours: who.map(|who| yours(who, &counted)).unwrap_or_default(),
            known,
            svg: String::new(),
        };
        tally.svg = chart::svg(&tally);
        tally
    }
}

fn count(choice: &Choice, votes: &[&Vote]) -> Count {
    let says = |vote: &Vote| vote.answer == Answer::Choice(choice.id.clone());
    Count {
        id: choice.id.clone(),
        text: choice.text.clone(),
        before: sum(votes, Round::Before, says),
        after: sum(votes, Round::After, says),
    }
}

fn sum(votes: &[&Vote], round: Round, says: impl Fn(&Vote) -> bool) -> u64 {
    votes.iter().filter(|vote| vote.round == round && says(vote)).map(|vote| u64::from(vote.count)).sum()
}

fn numbers(votes: &[&Vote], round: Round) -> Vec<(f64, u32)> {
    let number = |vote: &&&Vote| match vote.answer {
        Answer::Number(number) if vote.round == round && vote.count > 0 => Some((number, vote.count)),
        _ => None,
    };
    let mut numbers: Vec<_> = votes.iter().filter_map(|vote| number(&vote)).take(NUMBERS).collect();
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
    numbers
}

fn yours(who: &str, votes: &[&Vote]) -> Yours {
    let says = |round| votes.iter().find(|vote| vote.who == who && vote.round == round).map(|vote| vote.answer.clone());
    if who.starts_with(HANDS_UP) {
        return Yours::default();
    }
    Yours { before: says(Round::Before), after: says(Round::After) }
}

/// What is known about a question's answer.
pub(crate) fn known(question: &Question, evidence: &Evidence) -> Known {
    let asked = question.measured.as_ref();
    let scenario = asked.and_then(|measured| evidence.known(&measured.scenario).ok());
    let run = scenario.as_ref().and_then(|scenario| evidence.run(scenario));
    let predicted = scenario.as_ref().zip(asked).and_then(|(scenario, asked)| scenario.predicted(asked));
    let measured = run.as_ref().zip(asked).and_then(|(run, asked)| run.measured(asked));
    Known {
        predicted,
        measured,
        from: run.as_ref().filter(|_| measured.is_some()).map(|run| run.from.clone()),
        report: run.map(|run| format!("/workshop/runs/{}/report.html", run.id)),
        right: right(question, measured.or(predicted)).map(|choice| choice.id.clone()),
        because: question.because.clone(),
    }
}

/// The right choice: what the standard says, or else what the value decides.
fn right(question: &Question, value: Option<f64>) -> Option<&Choice> {
    let decided = |choice: &&Choice| {
        let bounds = choice.from.is_some() || choice.below.is_some();
        let within =
            |value: f64| choice.from.is_none_or(|from| value >= from) && choice.below.is_none_or(|below| value < below);
        bounds && value.is_some_and(within)
    };
    question.choices.iter().find(|choice| choice.right).or_else(|| question.choices.iter().find(decided))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(choices: &str) -> Question {
        toml::from_str(&format!(
            "id = \"q\"\nchapter = \"a\"\ntext = \"?\"\nunit = \"ms\"\nbecause = \"\"\nchoices = [{choices}]"
        ))
        .unwrap()
    }

    fn vote(who: &str, round: Round, answer: Answer, count: u32) -> Vote {
        Vote { question: "q".into(), round, who: who.into(), answer, count, at: 0 }
    }

    #[test]
    fn the_last_word_of_each_counts_and_hands_are_added() {
        let a = || Answer::Choice("a".into());
        let b = || Answer::Choice("b".into());
        let votes = [
            vote("x", Round::Before, a(), 1),
            vote("x", Round::After, a(), 1),
            vote("x", Round::After, b(), 1),
            vote("hands: a", Round::Before, a(), 9),
            vote("hands: a", Round::Before, a(), 7),
        ];
        let tally = Tally::of(&question("{id=\"a\",text=\"A\"},{id=\"b\",text=\"B\"}"), &votes, Some("x"), None);
        let counts: Vec<_> = tally.choices.iter().map(|count| (count.before, count.after)).collect();
        assert_eq!((counts, tally.before, tally.after), (vec![(8, 0), (0, 1)], 8, 1));
        assert_eq!((tally.yours.before, tally.yours.after), (Some(a()), Some(b())));
    }

    #[test]
    fn the_standard_decides_and_else_the_value() {
        let by_value = question(
            "{id=\"a\",text=\"\",below=10},{id=\"b\",text=\"\",from=10,below=20},{id=\"c\",text=\"\",from=20}",
        );
        let id = |question: &Question, value| right(question, value).map(|choice| choice.id.clone());
        assert_eq!(id(&by_value, Some(9.9)).as_deref(), Some("a"));
        assert_eq!(id(&by_value, Some(10.0)).as_deref(), Some("b"));
        assert_eq!(id(&by_value, Some(20.0)).as_deref(), Some("c"));
        assert_eq!(id(&by_value, None), None);
        let by_standard = question("{id=\"a\",text=\"\",below=10},{id=\"b\",text=\"\",right=true}");
        assert_eq!(id(&by_standard, Some(1.0)).as_deref(), Some("b"));
        assert_eq!(id(&question("{id=\"a\",text=\"\"}"), Some(1.0)), None);
    }
}
