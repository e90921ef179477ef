//! How a contender's clients come back.

use super::super::error::Refusal;
use super::super::{Comeback, written};
use super::{HOUR, SECOND, bounds, contender};

pub(super) fn comeback(written: &written::Contender) -> Result<Comeback, Refusal> {
    let given = written.reconnect_after.as_ref();
    let after = given.map(|after| contender::time("reconnect_after", Some(after), HOUR, SECOND)).transpose()?;
    Ok(Comeback {
        after,
        jitter: bounds::flag(written.jitter.as_ref(), true),
        with_cursor: bounds::flag(written.cursor.as_ref(), true),
    })
}
