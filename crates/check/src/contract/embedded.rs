//! The contract that is part of the binary, and how a contract is read.

use rust_embed::Embed;

use super::Stage;

#[derive(Embed)]
#[folder = "../../docs/contract"]
struct Files;

/// All stages, in order.
#[derive(Clone, Debug)]
pub struct Contract {
    /// The stages, numbered from 1.
    pub stages: Vec<Stage>,
}

/// What is wrong with a contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct ContractError {
    /// The file.
    pub file: String,
    /// What is wrong in it, and in which case.
    pub what: String,
}

impl Contract {
    /// Returns the contract of `docs/contract`.
    ///
    /// # Errors
    /// When a file is not a stage, or the stages contradict each other; a test makes sure that they do not.
    pub fn ours() -> Result<Self, ContractError> {
        let names = Files::iter().filter(|name| name.ends_with(".toml"));
        Self::read(names.filter_map(|name| {
            let text = String::from_utf8_lossy(&Files::get(&name)?.data).into_owned();
            Some((name.into_owned(), text))
        }))
    }

    /// Reads the files of a contract. Their names decide the order of the stages.
    ///
    /// # Errors
    /// When a file is not a stage, or refers to something that is not there.
    pub fn read(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, ContractError> {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort();
        let stages = files.iter().map(|(name, text)| stage(name, text)).collect::<Result<Vec<_>, _>>()?;
        super::validate::stages(files.iter().map(|(name, _)| name.as_str()).zip(&stages))?;
        Ok(Self { stages })
    }
}

fn stage(file: &str, text: &str) -> Result<Stage, ContractError> {
    toml::from_str(text).map_err(|error| ContractError { file: file.to_owned(), what: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_consistent() {
        Contract::ours().unwrap();
    }
}
