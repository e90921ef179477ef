//! Whether the stages of a contract fit together: every name refers to something that is there.

use std::collections::{HashMap, HashSet};

use super::{Case, ContractError, Count, Endpoint, Need, Profile, Stage, Step};

/// The names that a text may always use: `docs/contract/README.md`, "Steps".
pub(crate) const RESERVED: [&str; 6] = ["N", "PATH", "HOST", "KEY", "ACCEPT", "TEXT"];

/// The most exchanges, updates or events that a step may ask for.
const MOST: u32 = 1_000;

/// Finds out whether stages fit together.
pub(super) fn stages<'a>(stages: impl Iterator<Item = (&'a str, &'a Stage)>) -> Result<(), ContractError> {
    let mut earlier = HashSet::new();
    for (index, (file, stage)) in stages.enumerate() {
        let error = |what: String| ContractError { file: file.to_owned(), what };
        if usize::from(stage.stage) != index + 1 {
            return Err(error(format!("stage = {}, but by its name it is stage {}", stage.stage, index + 1)));
        }
        for case in &stage.cases {
            self::case(case, &earlier).map_err(|what| error(format!("case `{}`: {what}", case.id)))?;
            earlier.insert(case.id.as_str());
        }
    }
    Ok(())
}

fn case(case: &Case, earlier: &HashSet<&str>) -> Result<(), String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if case.id.is_empty() || !case.id.chars().all(is_name) {
        return Err("its id may have lower-case letters, digits and hyphens".to_owned());
    }
    if earlier.contains(case.id.as_str()) {
        return Err("its id is that of an earlier case".to_owned());
    }
    if let Some(missing) = case.requires.iter().find(|id| !earlier.contains(id.as_str())) {
        return Err(format!("it requires `{missing}`, which is not an earlier case"));
    }
    if case.sizes.is_empty() || case.sizes.iter().any(|size| !(1..=MOST).contains(size)) {
        return Err(format!("its sizes are to be from 1 to {MOST}"));
    }
    if case.profiles.is_empty() || case.steps.is_empty() {
        return Err("it applies to no server, or does nothing".to_owned());
    }
    let mut names = Names::default();
    for (index, step) in case.steps.iter().enumerate() {
        self::step(case, step, &mut names).map_err(|what| format!("step {}: {what}", index + 1))?;
    }
    Ok(())
}

/// What the steps so far have opened, published and kept.
#[derive(Default)]
struct Names<'a> {
    exchanges: HashMap<&'a str, Endpoint>,
    updates: HashSet<&'a str>,
    texts: HashSet<&'a str>,
}

fn step<'a>(case: &Case, step: &'a Step, names: &mut Names<'a>) -> Result<(), String> {
    references(step, names)?;
    counts(step)?;
    detail(case, step, names)?;
    match step {
        Step::Request { to, name, .. } | Step::Raw { to, name, .. } => names.open(case, name, *to),
        Step::Upgrade { name, .. } => names.open(case, name, Endpoint::Websocket),
        Step::Publish { names: published, .. } => published.iter().try_for_each(|name| names.publish(name)),
        Step::Keep { name, .. } => names.keep(name),
        _ => Ok(()),
    }
}

/// Every name that a step refers to is there.
fn references(step: &Step, names: &Names<'_>) -> Result<(), String> {
    if let Some(missing) = step.exchanges().iter().find(|name| !names.exchanges.contains_key(name.as_str())) {
        return Err(format!("no exchange `{missing}` was opened before it"));
    }
    if let Some(missing) = step.updates().iter().find(|name| !names.updates.contains(name.as_str())) {
        return Err(format!("no update `{missing}` was published before it"));
    }
    let variables = step.templates().into_iter().flat_map(super::template::names);
    for variable in variables {
        if !RESERVED.contains(&variable) && !names.texts.contains(variable) {
            return Err(format!("nothing named `${variable}` was published or kept before it"));
        }
    }
    Ok(())
}

fn counts(step: &Step) -> Result<(), String> {
    let count = match step {
        Step::Request { count, .. } | Step::Upgrade { count, .. } | Step::Publish { count, .. } => *count,
        Step::ExpectCost { updates, .. } => Some(*updates),
        Step::ExpectEvents { at_least, .. } => Some(*at_least),
        _ => None,
    };
    match count {
        Some(Count::Fixed(number)) if !(1..=MOST).contains(&number) => Err(format!("{number} is not from 1 to {MOST}")),
        _ => Ok(()),
    }
}

/// What only one kind of step requires.
fn detail(case: &Case, step: &Step, names: &Names<'_>) -> Result<(), String> {
    let needs = |need: Need, text: &str| {
        let has = case.needs.contains(&need) || (need == Need::Publish && case.needs.contains(&Need::History));
        if has { Ok(()) } else { Err(format!("the case lacks needs = [\"{text}\"]")) }
    };
    match step {
        Step::Publish { .. } => needs(Need::Publish, "publish"),
        Step::Restart {} => needs(Need::Restart, "restart"),
        Step::Keep { what, .. } if what != "cursor" && !what.starts_with("header ") => {
            Err(format!("`{what}` cannot be kept: cursor, or header NAME"))
        }
        Step::Send { hex: Some(hex), .. } if super::template::from_hex(hex).is_none() => {
            Err(format!("`{hex}` is not hexadecimal"))
        }
        Step::Send { on, .. } | Step::ExpectFrame { of: on, .. } | Step::ExpectClose { of: on, .. } => {
            let is_websocket = names.exchanges[on.as_str()] == Endpoint::Websocket;
            if is_websocket { Ok(()) } else { Err(format!("`{on}` is not a WebSocket")) }
        }
        Step::ExpectHeader { is, contains, not_contains, absent, present, .. } => {
            let asks = !is.is_empty() || contains.is_some() || not_contains.is_some() || *absent || *present;
            if asks { Ok(()) } else { Err("it expects nothing of the header field".to_owned()) }
        }
        Step::ExpectStatus { is, .. } if is.is_empty() => Err("it allows no status".to_owned()),
        _ => Ok(()),
    }
}

impl<'a> Names<'a> {
    fn open(&mut self, case: &Case, name: &'a str, to: Endpoint) -> Result<(), String> {
        if let Some(profile) = case.profiles.iter().find(|profile| !has(**profile, to)) {
            return Err(format!("a server of profile `{profile}` has no endpoint `{to}`"));
        }
        match self.exchanges.insert(name, to) {
            Some(_) => Err(format!("there is an exchange `{name}` already")),
            None => Ok(()),
        }
    }

    fn publish(&mut self, name: &'a str) -> Result<(), String> {
        self.updates.insert(name);
        self.keep(name)
    }

    fn keep(&mut self, name: &'a str) -> Result<(), String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) || RESERVED.contains(&name) {
            return Err(format!("`{name}` cannot be a name: letters, digits and `_`, and none of {RESERVED:?}"));
        }
        if self.texts.insert(name) { Ok(()) } else { Err(format!("there is a `${name}` already")) }
    }
}

/// Whether the servers of a profile have an endpoint.
fn has(profile: Profile, endpoint: Endpoint) -> bool {
    match profile {
        Profile::Feedlab => true,
        Profile::Sse => endpoint == Endpoint::Sse,
        Profile::Websocket => endpoint == Endpoint::Websocket,
        Profile::Poll => endpoint == Endpoint::Poll,
    }
}

#[cfg(test)]
mod tests {
    use crate::contract::Contract;

    fn read(cases: &str) -> Result<Contract, String> {
        let text = format!("stage = 1\ntitle = \"T\"\nquestion = \"Q?\"\n{cases}");
        Contract::read([("01.toml".to_owned(), text)]).map_err(|error| error.to_string())
    }

    fn case(id: &str, keys: &str, steps: &str) -> String {
        format!(
            "[[case]]\nid = \"{id}\"\nprofiles = [\"feedlab\"]\nrule = \"R.\"\nsource = \"S\"\nurl = \"https://s\"\n\
             fix = \"F.\"\n{keys}\nsteps = [{steps}]\n"
        )
    }

    const POLL: &str = "{ step = \"request\", to = \"poll\", as = \"p\" }";

    #[track_caller]
    fn refused(cases: &str, why: &str) {
        let error = read(cases).unwrap_err();
        assert!(error.contains(why) && error.starts_with("01.toml: "), "{error}");
    }

    #[test]
    fn a_consistent_case_is_read() {
        let steps = format!(
            "{POLL}, {{ step = \"keep\", of = \"p\", what = \"cursor\", as = \"c\" }},
             {{ step = \"request\", to = \"sse\", as = \"s\", after = \"$c\", count = \"$N\" }},
             {{ step = \"publish\", as = [\"a\"], data = \"$TEXT/$N\" }},
             {{ step = \"expect-updates\", of = \"s\", are = [\"a\"], within = \"2s\" }},
             {{ step = \"expect-frame\", of = \"w\", frame = \"3\" }}"
        );
        let steps =
            steps.replace("{ step = \"expect-frame\"", "{ step = \"upgrade\", as = \"w\" }, { step = \"expect-frame\"");
        read(&case("a-1", "needs = [\"publish\"]\nsizes = [1, 5]", &steps)).unwrap();
    }

    #[test]
    fn errors_name_the_file_and_the_case() {
        refused(&case("A", "", POLL), "case `A`: its id may have");
        refused(&(case("a", "", POLL) + &case("a", "", POLL)), "case `a`: its id is that of an earlier case");
        refused(&case("a", "requires = [\"b\"]", POLL), "requires `b`, which is not an earlier case");
        refused(&case("a", "sizes = []", POLL), "its sizes");
        refused(&case("a", "", "{ step = \"pause\", on = \"p\" }"), "step 1: no exchange `p`");
        refused(&case("a", "", "{ step = \"upgrade\", as = \"w\", after = \"$c\" }"), "`$c`");
        refused(&case("a", "", "{ step = \"publish\", as = [\"a\"] }"), "lacks needs = [\"publish\"]");
        refused(
            &case(
                "a",
                "",
                &format!("{POLL}, {{ step = \"expect-none\", of = \"p\", updates = [\"x\"], for = \"1s\" }}"),
            ),
            "`x`",
        );
        refused(
            &case("a", "", &format!("{POLL}, {{ step = \"expect-close\", of = \"p\", codes = [] }}")),
            "is not a WebSocket",
        );
        refused(&case("a", "", "{ step = \"dance\" }"), "dance");
        refused(&case("a", "", POLL).replace("[\"feedlab\"]", "[\"sse\"]"), "profile `sse` has no endpoint `poll`");
    }

    #[test]
    fn stages_are_numbered_in_order() {
        let text = "stage = 2\ntitle = \"T\"\nquestion = \"Q?\"\ncase = []\n".to_owned();
        let error = Contract::read([("01.toml".to_owned(), text)]).unwrap_err().to_string();
        assert!(error.contains("stage = 2, but by its name it is stage 1"), "{error}");
    }
}
