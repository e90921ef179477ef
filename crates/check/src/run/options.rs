//! What a user wants to be judged, and how: the CLI fills it in, and the run asks it which cases to try.

use std::time::Duration;

use feedlab_loadgen::transport::Tls;
use url::Url;

use crate::contract::{Case, Contract, Profile, Stage};
use crate::limits;
use crate::outcome::CheckError;
use crate::publish::Publisher;
use crate::target::Mapping;

/// What to judge, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server.
    pub url: Url,
    /// What kind of server it is; `None` finds out.
    pub profile: Option<Profile>,
    /// Header fields to add to every request.
    pub headers: Vec<(String, String)>,
    /// The certificates to trust, for `https` and `wss`.
    pub tls: Option<Tls>,
    /// Where updates and cursors are in the answers of a server that is not feedlab.
    pub mapping: Mapping,
    /// How to publish; `None` tries what the kind of server offers.
    pub publish: Option<Publisher>,
    /// A command of the shell that ends the server gracefully and starts it again.
    pub restart_command: Option<String>,
    /// The stages to try; all, if empty.
    pub stages: Vec<u8>,
    /// The cases to try; all, if empty.
    pub cases: Vec<String>,
    /// How long to wait for what must happen.
    pub timeout: Duration,
    /// The cases.
    pub contract: Contract,
}

impl Options {
    /// Judges a server by the whole of a contract, with the defaults of everything else.
    #[must_use]
    pub fn new(url: Url, contract: Contract) -> Self {
        Self {
            url,
            profile: None,
            headers: Vec::new(),
            tls: None,
            mapping: Mapping::default(),
            publish: None,
            restart_command: None,
            stages: Vec::new(),
            cases: Vec::new(),
            timeout: limits::PATIENCE,
            contract,
        }
    }
}

/// A choice of cases that leaves nothing would pass whatever the server does.
pub(super) fn check_choice(options: &Options) -> Result<(), CheckError> {
    let stages = &options.contract.stages;
    if let Some(unknown) = options.stages.iter().find(|number| !stages.iter().any(|stage| stage.stage == **number)) {
        return Err(CheckError::BadInput(format!("there is no stage {unknown}: they are 1 to {}", stages.len())));
    }
    let mut cases = stages.iter().flat_map(|stage| &stage.cases);
    let unknown = |id: &&String| !stages.iter().flat_map(|stage| &stage.cases).any(|case| case.id == **id);
    if let Some(unknown) = options.cases.iter().find(unknown) {
        return Err(CheckError::BadInput(format!("there is no case `{unknown}`: docs/contract has their ids")));
    }
    let is_any = cases.next().is_some();
    if is_any { Ok(()) } else { Err(CheckError::BadInput("the contract has no cases".to_owned())) }
}

/// Whether a case that will be tried publishes.
pub(super) fn needs_publisher(options: &Options, profile: Profile) -> bool {
    let stages = options.contract.stages.iter();
    let mut chosen = stages.flat_map(|stage| stage.cases.iter().filter(|case| is_chosen(options, stage, case)));
    chosen.any(|case| case.profiles.contains(&profile) && case.publishes())
}

/// Whether the user wants a case to be tried.
pub(super) fn is_chosen(options: &Options, stage: &Stage, case: &Case) -> bool {
    let by_stage = options.stages.is_empty() || options.stages.contains(&stage.stage);
    by_stage && (options.cases.is_empty() || options.cases.contains(&case.id))
}
