//! What is expected of WebSocket frames.

use super::{CaseRun, Look, Miss, listed};
use crate::contract::{Frame, Time};
use crate::frames::close_code;
use crate::run::exchange::{View, describe_frame};

impl CaseRun<'_, '_> {
    pub(super) async fn expect_frame(
        &self,
        of: &str,
        frame: Frame,
        payload: Option<&str>,
        within: Option<Time>,
    ) -> Result<(), Miss> {
        let payload = payload.map(|payload| self.fill(payload, |_| None)).transpose()?;
        let with = payload.as_ref().map_or_else(String::new, |payload| format!(" with {payload:?}"));
        let expected = format!("a {frame} frame{with}");
        self.each(of, &expected, within, |_, view| {
            let is_it = |payload_of: &[u8]| payload.as_ref().is_none_or(|payload| payload.as_bytes() == payload_of);
            let found = view.frames.iter().any(|incoming| incoming.opcode == frame.0 && is_it(&incoming.payload));
            if found { Look::Met } else { not_there(view, frame) }
        })
        .await
    }

    pub(super) async fn expect_close(&self, of: &str, codes: &[u16], within: Option<Time>) -> Result<(), Miss> {
        let texts: Vec<String> = codes.iter().map(u16::to_string).collect();
        let expected = match codes {
            [] => "a close frame".to_owned(),
            _ => format!("a close frame with code {}", listed(texts.iter().map(String::as_str), "or")),
        };
        self.each(of, &expected, within, |_, view| match view.close_frame() {
            Some(frame) if codes.is_empty() || close_code(frame).is_some_and(|code| codes.contains(&code)) => Look::Met,
            Some(frame) => match close_code(frame) {
                Some(code) => Look::Never(format!("a close frame with code {code}")),
                None => Look::Never("a close frame without a code".to_owned()),
            },
            None => not_there(view, Frame(crate::frames::CLOSE)),
        })
        .await
    }
}

/// What is there instead of a frame.
fn not_there(view: &View, wanted: Frame) -> Look {
    if view.status().is_some_and(|status| status != 101) {
        return Look::Never(view.status_text());
    }
    let same = view.frames.iter().rev().find(|frame| frame.opcode == wanted.0);
    let came = match same {
        Some(frame) => {
            format!("a {}", describe_frame(frame.opcode, frame.fin, &frame.payload[..frame.payload.len().min(100)]))
        }
        None => format!("no {wanted} frame"),
    };
    match view.close_frame() {
        Some(frame) => Look::Never(format!("{came}, but a {}", describe_frame(frame.opcode, true, &frame.payload))),
        None => Look::NotYet(came),
    }
}
