//! The votes on a question, counted, and beside them what is known about its answer.

use feedlab_experiment::class::{self, Answer, Choice, Question, Round, Side, Vote, counted, right_choice};
use serde::Serialize;

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
    pub(crate) before: u32,
    pub(crate) after: u32,
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
    pub(crate) before: u32,
    pub(crate) after: u32,
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
        let votes = counted(votes);
        let counted = class::tally(question, &votes, None);
        let mut tally = Self {
            question: question.id.clone(),
            text: question.text.clone(),
            unit: question.unit.clone(),
            before: counted.before.people,
            after: counted.after.people,
            choices: counts(question, &counted),
            numbers: Numbers { before: numbers(&counted.before), after: numbers(&counted.after) },
            yours: who.map(|who| yours(who, question, &votes)).unwrap_or_default(),
            known,
            svg: String::new(),
        };
        tally.svg = chart::svg(&tally);
        tally
    }
}

fn counts(question: &Question, counted: &class::Tally) -> Vec<Count> {
    let sides = counted.before.choices.iter().zip(&counted.after.choices);
    let count = |(choice, (before, after)): (&Choice, (&u32, &u32))| Count {
        id: choice.id.clone(),
        text: choice.text.clone(),
        before: *before,
        after: *after,
    };
    question.choices.iter().zip(sides).map(count).collect()
}

fn numbers(side: &Side) -> Vec<(f64, u32)> {
    side.numbers.iter().copied().take(NUMBERS).collect()
}

fn yours(who: &str, question: &Question, votes: &[&Vote]) -> Yours {
    let says = |round| {
        let vote = votes.iter().find(|vote| vote.who == who && vote.question == question.id && vote.round == round);
        vote.map(|vote| vote.answer.clone())
    };
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
        right: right_choice(question, measured.or(predicted)).map(|choice| choice.id.clone()),
        because: question.because.clone(),
    }
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
            vote("hands", Round::Before, a(), 9),
            vote("hands", Round::Before, a(), 7),
        ];
        let tally = Tally::of(&question("{id=\"a\",text=\"A\"},{id=\"b\",text=\"B\"}"), &votes, Some("x"), None);
        let counts: Vec<_> = tally.choices.iter().map(|count| (count.before, count.after)).collect();
        assert_eq!((counts, tally.before, tally.after), (vec![(8, 0), (0, 1)], 8, 1));
        assert_eq!((tally.yours.before, tally.yours.after), (Some(a()), Some(b())));
    }
}
