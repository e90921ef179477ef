//! One case, carried out: its connections, its updates, and what it keeps. Dropping it closes its connections.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use feedlab_feed::clock;

use super::budget::Budget;
use super::exchange::Exchange;
use super::token::Tokens;
use super::trace::Log;
use crate::contract::{Case, Step, template};
use crate::limits;
use crate::outcome::{Failure, Progress};
use crate::publish::Publisher;
use crate::target::Target;

/// What all cases of a run have in common.
pub(super) struct Context<'a> {
    pub(super) target: &'a Target,
    pub(super) publisher: &'a Publisher,
    pub(super) restart: Option<&'a str>,
    pub(super) patience: Duration,
    pub(super) tokens: &'a mut Tokens,
    pub(super) progress: &'a mut dyn Progress,
    /// What is wrong with a command of the user's: it says nothing about the server, and ends the check.
    pub(super) broken: &'a mut Option<String>,
}

/// A case that is being carried out for one size.
pub(super) struct CaseRun<'a, 'c> {
    pub(super) context: &'c mut Context<'a>,
    pub(super) case: &'c Case,
    pub(super) size: u32,
    pub(super) began: Instant,
    pub(super) log: Log,
    pub(super) budget: Budget,
    pub(super) exchanges: Vec<Exchange>,
    /// The exchanges of each name: several, if it is a group.
    pub(super) groups: BTreeMap<String, Vec<usize>>,
    pub(super) updates: Vec<Published>,
    /// The updates of each name: several, if it was published several times.
    pub(super) published: BTreeMap<String, Vec<usize>>,
    /// What was kept, and the texts of the updates.
    pub(super) texts: BTreeMap<String, String>,
}

/// An update that the case published.
pub(super) struct Published {
    /// Its name in the case.
    pub(super) name: String,
    /// Its number in the run.
    pub(super) number: u64,
    /// The text that stands in it and in no other.
    pub(super) text: String,
    /// All of its data, in which the text is.
    pub(super) data: String,
    /// When publishing began, since the case started.
    pub(super) at: Duration,
}

/// An expectation that is not met.
#[derive(Debug)]
pub(super) struct Miss {
    /// What was expected.
    pub(super) expected: String,
    /// What came instead.
    pub(super) came: String,
    /// Where.
    pub(super) exchange: Option<usize>,
}

impl Miss {
    /// Something that has to do with no exchange.
    pub(super) fn new(expected: impl Into<String>, came: impl Into<String>) -> Self {
        Self { expected: expected.into(), came: came.into(), exchange: None }
    }
}

impl<'a, 'c> CaseRun<'a, 'c> {
    /// Carries out a case for each of its sizes, until one fails.
    pub(super) async fn all_sizes(context: &'c mut Context<'a>, case: &'c Case) -> Option<Failure> {
        for &size in &case.sizes {
            let run = CaseRun::new(&mut *context, case, size);
            if let Some(failure) = run.carry_out().await {
                return Some(failure);
            }
        }
        None
    }
}

impl<'a, 'c> CaseRun<'a, 'c> {
    fn new(context: &'c mut Context<'a>, case: &'c Case, size: u32) -> Self {
        let began = clock::now();
        Self {
            context,
            case,
            size,
            began,
            log: Log::new(began),
            budget: Budget::default(),
            exchanges: Vec::new(),
            groups: BTreeMap::new(),
            updates: Vec::new(),
            published: BTreeMap::new(),
            texts: BTreeMap::new(),
        }
    }

    async fn carry_out(mut self) -> Option<Failure> {
        let case = self.case;
        for (index, step) in case.steps.iter().enumerate() {
            let budget = self.budget.clone();
            let met = tokio::select! {
                met = self.step(step) => met,
                () = budget.exceeded() => Err(too_much()),
            };
            if let Err(miss) = met {
                return Some(self.failure(&miss, index + 1));
            }
        }
        None
    }

    fn failure(self, miss: &Miss, step: usize) -> Failure {
        let secrets = &self.context.target.secrets;
        let size = if self.case.sizes.len() > 1 { format!(" (with N = {})", self.size) } else { String::new() };
        let expected = secrets.hide(&miss.expected) + &size;
        let until = self.log.now();
        let came = secrets.hide(&miss.came);
        let trace = self.log.finish(&self.exchanges, secrets, until, miss.exchange, &expected);
        Failure { expected, came, step, trace }
    }

    async fn step(&mut self, step: &Step) -> Result<(), Miss> {
        match step {
            Step::Request { .. } | Step::Upgrade { .. } | Step::Raw { .. } => self.open(step).await,
            Step::Send { .. } => self.send_frame(step).await,
            Step::Bytes { on, bytes } => self.send_bytes(on, bytes).await,
            Step::Publish { .. } => self.publish(step).await,
            Step::Keep { of, what, name } => self.keep(of, what, name).await,
            Step::Pause { on } => self.read(on, false),
            Step::Resume { on } => self.read(on, true),
            Step::Close { on, how } => self.close(on, *how).await,
            Step::Wait { r#for } => {
                tokio::time::sleep(r#for.0).await;
                Ok(())
            }
            Step::Restart {} => self.restart().await,
            expectation => self.expect(expectation).await,
        }
    }

    /// The exchanges of a name.
    pub(super) fn members(&self, name: &str) -> Vec<usize> {
        self.groups.get(name).cloned().unwrap_or_default()
    }

    /// The updates of some names, in order.
    pub(super) fn updates_of(&self, names: &[String]) -> Vec<usize> {
        names.iter().filter_map(|name| self.published.get(name)).flatten().copied().collect()
    }

    /// A text with its names replaced. `more` knows the names that depend on the step.
    pub(super) fn fill(&self, text: &str, more: impl Fn(&str) -> Option<String>) -> Result<String, Miss> {
        let value = |name: &str| match name {
            "N" => Some(self.size.to_string()),
            name => more(name).or_else(|| self.texts.get(name).cloned()),
        };
        let missing = |name: String| Miss::new(format!("a value for {name}"), "it has no meaning in this step");
        template::fill(text, value).map_err(missing)
    }
}

fn too_much() -> Miss {
    let most = limits::CASE >> 20;
    Miss::new("a server that does not send endlessly", format!("more than {most} MiB on the connections of the case"))
}
