//! What a command line changes in a scenario: `feedlab run --set measure.duration=2s --only SSE`.
//!
//! A change is made in the text of the file, which is then validated as any other; so a results folder holds the
//! scenario that was measured, comments included.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::{Contender, Scenario, ScenarioError, Threshold};
use crate::nearest::near;

/// One key of a scenario file with its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The parts of the key: `measure`, `duration`. A part that is a number counts the tables of a list from 1, as in
    /// `contender.2.interval`.
    key: Vec<String>,
    /// The value as given: TOML, or else a string.
    value: String,
}

/// Why a scenario cannot be changed as asked.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is not a key with a value.
    #[error("`{}` is not KEY=VALUE; write the keys of the file with dots, as in measure.duration=2s", .0.escape_debug())]
    Form(String),
    /// The key cannot be set.
    #[error("{change}: {problem}")]
    Key {
        /// The change.
        change: Change,
        /// The problem, and after a semicolon the remedy.
        problem: String,
    },
    /// The scenario with its changes is not valid.
    #[error("{changes}: {problem}")]
    Invalid {
        /// The changes, as given.
        changes: String,
        /// The problems, each with its remedy.
        problem: String,
    },
    /// There is no such contender.
    #[error("there is no contender `{}`; {guess}this scenario has {labels}", .name.escape_debug())]
    Contender {
        /// What was asked for.
        name: String,
        /// A question that suggests a similar one; empty if there is none.
        guess: String,
        /// All labels.
        labels: String,
    },
    /// All contenders are left out.
    #[error("no contender is left; leave out fewer of {labels}")]
    NoneLeft {
        /// All labels.
        labels: String,
    },
    /// The file itself is not valid.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

impl FromStr for Change {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let form = || ChangeError::Form(text.to_owned());
        let (key, value) = text.split_once('=').ok_or_else(form)?;
        let key: Vec<String> = key.trim().split('.').map(|part| part.trim().to_owned()).collect();
        let is_good =
            |part: &String| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !key.iter().all(is_good) || value.trim().is_empty() {
            return Err(form());
        }
        Ok(Self { key, value: value.trim().to_owned() })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key.join("."), self.value)
    }
}

impl Change {
    /// Creates the change of a key to a number: `--repetitions 5` is one of `measure.repetitions`.
    #[must_use]
    pub fn number(key: &str, value: u64) -> Self {
        Self { key: key.split('.').map(str::to_owned).collect(), value: value.to_string() }
    }

    /// Creates the change of a key to a text, whatever the text looks like.
    pub(crate) fn text(key: &str, value: &str) -> Self {
        Self { key: key.split('.').map(str::to_owned).collect(), value: Value::from(value).to_string() }
    }

    fn toml(&self) -> Value {
        self.value.parse().unwrap_or_else(|_| Value::from(self.value.as_str()))
    }

    fn problem(&self, problem: String) -> ChangeError {
        ChangeError::Key { change: self.clone(), problem }
    }

    fn make(&self, document: &mut DocumentMut) -> Result<(), ChangeError> {
        let Some((last, path)) = self.key.split_last() else { return Ok(()) };
        let mut table: &mut dyn TableLike = document.as_table_mut();
        let mut parts = path.iter();
        while let Some(part) = parts.next() {
            let item = table.entry(part).or_insert(Item::Table(Table::new()));
            table = match item {
                Item::ArrayOfTables(list) => self.nth(part, parts.next(), list)?,
                item => item
                    .as_table_like_mut()
                    .ok_or_else(|| self.problem(format!("`{part}` is a value, so it has no key below it")))?,
            };
        }
        match table.get_mut(last) {
            Some(Item::ArrayOfTables(list)) => Err(self.problem(numbered(last, list.len()))),
            Some(Item::Table(_)) => Err(self
                .problem(format!("`{last}` is a table; name one of its keys, as in {}.KEY=VALUE", self.key.join(".")))),
            // Its comment stays.
            Some(Item::Value(old)) => {
                let decor = old.decor().clone();
                *old = self.toml();
                *old.decor_mut() = decor;
                Ok(())
            }
            _ => {
                table.insert(last, Item::Value(self.toml()));
                Ok(())
            }
        }
    }

    fn nth<'a>(
        &self,
        name: &str,
        number: Option<&String>,
        list: &'a mut toml_edit::ArrayOfTables,
    ) -> Result<&'a mut dyn TableLike, ChangeError> {
        let count = list.len();
        let index = number.and_then(|number| number.parse::<usize>().ok()).and_then(|number| number.checked_sub(1));
        match index.and_then(|index| list.get_mut(index)) {
            Some(table) => Ok(table),
            None => Err(self.problem(numbered(name, count))),
        }
    }
}

fn numbered(list: &str, count: usize) -> String {
    let range = if count == 1 { "1".to_owned() } else { format!("1 to {count}") };
    format!(
        "this scenario has {count} × [[{list}]]; name a key of one of them, as in {list}.N.KEY=VALUE, where N is {range}"
    )
}

impl Scenario {
    /// Reads a scenario with changes; returns it with the text that describes it.
    ///
    /// # Errors
    /// If the file is not valid, before the changes or after them.
    pub fn changed(text: &str, file: &Path, changes: &[Change]) -> Result<(Self, String), ChangeError> {
        let scenario = Self::parse(text, file)?;
        if changes.is_empty() {
            return Ok((scenario, text.to_owned()));
        }
        let given = || changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let invalid = |problem| ChangeError::Invalid { changes: given(), problem };
        let text = with_changes(text, changes)?;
        // The position is one in a text that nobody wrote.
        let scenario = Self::parse(&text, file).map_err(|error| invalid(problems(&error)))?;
        Ok((scenario, text))
    }

    /// Returns the scenario with only some of its contenders; an empty list stands for all. A contender is named by its
    /// label or its transport, in letters of any case. Thresholds on a contender that is left out are left out, too.
    ///
    /// # Errors
    /// If a name is none of a contender, or no contender is left.
    pub fn with_contenders(&self, only: &[String], skip: &[String]) -> Result<Self, ChangeError> {
        only.iter().chain(skip).try_for_each(|name| self.has_contender(name))?;
        let is_one_of = |contender: &Contender, names: &[String]| names.iter().any(|name| is_named(contender, name));
        let is_kept =
            |contender: &&Contender| (only.is_empty() || is_one_of(contender, only)) && !is_one_of(contender, skip);
        let contenders: Vec<Contender> = self.contenders.iter().filter(is_kept).cloned().collect();
        if contenders.is_empty() {
            return Err(ChangeError::NoneLeft { labels: self.labels() });
        }
        let thresholds = self.thresholds.iter().filter(|threshold| has_its_contenders(threshold, &contenders));
        let thresholds = thresholds.cloned().collect();
        Ok(Self { contenders, thresholds, ..self.clone() })
    }

    fn has_contender(&self, name: &str) -> Result<(), ChangeError> {
        if self.contenders.iter().any(|contender| is_named(contender, name)) {
            return Ok(());
        }
        let known = self.contenders.iter().flat_map(|contender| [contender.label.as_str(), contender.transport().id()]);
        let guess = near(name, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        Err(ChangeError::Contender { name: name.to_owned(), guess, labels: self.labels() })
    }

    fn labels(&self) -> String {
        let labels: Vec<String> = self.contenders.iter().map(|contender| format!("`{}`", contender.label)).collect();
        labels.join(", ")
    }
}

/// Returns the text of a scenario with changes; the result is yet to be validated.
pub(crate) fn with_changes(text: &str, changes: &[Change]) -> Result<String, ChangeError> {
    let given = || changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let invalid =
        |error: toml_edit::TomlError| ChangeError::Invalid { changes: given(), problem: error.message().to_owned() };
    let mut document: DocumentMut = text.parse().map_err(invalid)?;
    changes.iter().try_for_each(|change| change.make(&mut document))?;
    Ok(document.to_string())
}

fn is_named(contender: &Contender, name: &str) -> bool {
    let is_transport = !contender.is_auto() && contender.transport().id() == name;
    is_transport || contender.label.to_lowercase() == name.to_lowercase()
}

fn has_its_contenders(threshold: &Threshold, contenders: &[Contender]) -> bool {
    let has = |label: &Option<String>| {
        label.as_ref().is_none_or(|label| contenders.iter().any(|contender| contender.label == *label))
    };
    let has_transport =
        threshold.transport.is_none_or(|one| contenders.iter().any(|contender| contender.transport() == one));
    has(&threshold.contender) && has(&threshold.than) && has_transport
}

fn problems(error: &ScenarioError) -> String {
    let problem = |error: &&ScenarioError| match error {
        ScenarioError::Invalid { problem, .. } => problem.clone(),
        other => other.to_string(),
    };
    error.each().iter().map(problem).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests;
