//! A step of a case, as it is written, and which names it refers to. `docs/contract/README.md` says what each key means.

use serde::Deserialize;

use super::{Close, Count, Ending, Endpoint, Frame, Time};

/// One step of a case. The fields are those of `docs/contract/README.md`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/contract/README.md documents each key")]
pub enum Step {
    Request {
        to: Endpoint,
        #[serde(rename = "as")]
        name: String,
        method: Option<String>,
        query: Option<String>,
        after: Option<String>,
        #[serde(default)]
        headers: Vec<String>,
        version: Option<String>,
        body: Option<String>,
        count: Option<Count>,
    },
    Upgrade {
        #[serde(rename = "as")]
        name: String,
        query: Option<String>,
        after: Option<String>,
        #[serde(default)]
        headers: Vec<String>,
        count: Option<Count>,
    },
    Raw {
        to: Endpoint,
        #[serde(rename = "as")]
        name: String,
        bytes: String,
    },
    Send {
        on: String,
        frame: Frame,
        #[serde(default)]
        payload: String,
        code: Option<u16>,
        length: Option<Count>,
        hex: Option<String>,
        fin: Option<bool>,
        masked: Option<bool>,
        reserved: Option<bool>,
    },
    Bytes {
        on: String,
        bytes: String,
    },
    Publish {
        #[serde(rename = "as")]
        names: Vec<String>,
        data: Option<String>,
        #[serde(rename = "type")]
        event_type: Option<String>,
        count: Option<Count>,
        length: Option<Count>,
    },
    Keep {
        of: String,
        what: String,
        #[serde(rename = "as")]
        name: String,
    },
    Pause {
        on: String,
    },
    Resume {
        on: String,
    },
    Close {
        on: String,
        how: Close,
    },
    Wait {
        r#for: Time,
    },
    Restart {},
    ExpectStatus {
        of: String,
        is: Vec<u16>,
        within: Option<Time>,
    },
    ExpectHeader {
        of: String,
        name: String,
        #[serde(default)]
        is: Vec<String>,
        contains: Option<String>,
        not_contains: Option<String>,
        #[serde(default)]
        absent: bool,
        #[serde(default)]
        present: bool,
    },
    ExpectBody {
        of: String,
        contains: Option<String>,
        not_contains: Option<String>,
        #[serde(default)]
        empty: bool,
        #[serde(default)]
        json: bool,
        within: Option<Time>,
    },
    ExpectUpdates {
        of: String,
        are: Vec<String>,
        within: Option<Time>,
        quiet: Option<Time>,
    },
    ExpectNone {
        of: String,
        updates: Vec<String>,
        r#for: Time,
    },
    ExpectBytes {
        of: String,
        contains: String,
        within: Option<Time>,
    },
    ExpectData {
        of: String,
        update: String,
        is: String,
        within: Option<Time>,
    },
    ExpectIds {
        of: String,
    },
    ExpectEvents {
        of: String,
        at_least: Count,
        #[serde(rename = "type")]
        event_type: Option<String>,
        within: Option<Time>,
    },
    ExpectPending {
        of: String,
        r#for: Time,
    },
    ExpectOpen {
        of: String,
        r#for: Time,
    },
    ExpectEnd {
        of: String,
        #[serde(default)]
        how: Ending,
        within: Option<Time>,
    },
    ExpectFrame {
        of: String,
        frame: Frame,
        payload: Option<String>,
        within: Option<Time>,
    },
    ExpectClose {
        of: String,
        codes: Vec<u16>,
        within: Option<Time>,
    },
    ExpectSameSeq {
        of: Vec<String>,
    },
    ExpectGap {
        of: String,
        within: Option<Time>,
    },
    ExpectCompleteOrReported {
        of: String,
        are: Vec<String>,
        #[serde(default)]
        or_ended: bool,
        within: Option<Time>,
    },
    ExpectCost {
        of: String,
        overhead_at_most: u64,
        updates: Count,
    },
}

impl Step {
    /// The texts of the step that may contain `$NAME`.
    pub(super) fn templates(&self) -> Vec<&str> {
        fn all<'a>(lists: &[&'a [String]], options: &[&'a Option<String>]) -> Vec<&'a str> {
            let listed = lists.iter().flat_map(|list| list.iter().map(String::as_str));
            listed.chain(options.iter().filter_map(|option| option.as_deref())).collect()
        }
        match self {
            Self::Request { query, after, headers, body, .. } => all(&[headers], &[query, after, body]),
            Self::Upgrade { query, after, headers, .. } => all(&[headers], &[query, after]),
            Self::Raw { bytes, .. } | Self::Bytes { bytes, .. } => vec![bytes],
            Self::Send { payload, .. } => vec![payload],
            Self::Publish { data, .. } => all(&[], &[data]),
            Self::ExpectHeader { is, contains, not_contains, .. } => all(&[is], &[contains, not_contains]),
            Self::ExpectBody { contains, not_contains, .. } => all(&[], &[contains, not_contains]),
            Self::ExpectBytes { contains, .. } => vec![contains],
            Self::ExpectData { is, .. } => vec![is],
            Self::ExpectFrame { payload, .. } => all(&[], &[payload]),
            _ => Vec::new(),
        }
    }

    /// The exchanges that the step refers to.
    pub(super) fn exchanges(&self) -> &[String] {
        use std::slice::from_ref;
        match self {
            Self::Send { on, .. } | Self::Bytes { on, .. } | Self::Pause { on } | Self::Resume { on } => from_ref(on),
            Self::Close { on, .. } => from_ref(on),
            Self::Keep { of, .. } | Self::ExpectStatus { of, .. } | Self::ExpectHeader { of, .. } => from_ref(of),
            Self::ExpectBody { of, .. } | Self::ExpectUpdates { of, .. } | Self::ExpectNone { of, .. } => from_ref(of),
            Self::ExpectBytes { of, .. } | Self::ExpectData { of, .. } | Self::ExpectIds { of } => from_ref(of),
            Self::ExpectEvents { of, .. } | Self::ExpectPending { of, .. } | Self::ExpectOpen { of, .. } => {
                from_ref(of)
            }
            Self::ExpectEnd { of, .. } | Self::ExpectFrame { of, .. } | Self::ExpectClose { of, .. } => from_ref(of),
            Self::ExpectGap { of, .. } | Self::ExpectCompleteOrReported { of, .. } => from_ref(of),
            Self::ExpectCost { of, .. } => from_ref(of),
            Self::ExpectSameSeq { of } => of,
            Self::Request { .. } | Self::Upgrade { .. } | Self::Raw { .. } | Self::Publish { .. } => &[],
            Self::Wait { .. } | Self::Restart {} => &[],
        }
    }

    /// The updates that the step refers to.
    pub(super) fn updates(&self) -> &[String] {
        match self {
            Self::ExpectUpdates { are, .. } | Self::ExpectCompleteOrReported { are, .. } => are,
            Self::ExpectNone { updates, .. } => updates,
            Self::ExpectData { update, .. } => std::slice::from_ref(update),
            _ => &[],
        }
    }
}
