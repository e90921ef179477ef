//! Clients that close permanently, as their standard requires (E18): an event stream that is answered with anything
//! other than 200 and its content type (WHATWG HTML, section 9.2.3). Clients of other transports try again.

use super::{Arithmetic, Case, NotPredicted};
use crate::scenario::{Fault, FaultKind, LinkFault};

/// How much earlier or later than predicted a client may reconnect, s.
const MARGIN: f64 = 0.1;

/// Returns how many of the clients give up, unless this depends on chance.
pub(super) fn clients(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Result<f64, NotPredicted> {
    // Clients of the fallback ladder step down instead.
    if !arithmetic.gives_up() || case.contender.is_auto() {
        return Ok(0.0);
    }
    let (answers, others): (Vec<&Fault>, Vec<&Fault>) =
        case.scenario.faults.iter().partition(|fault| fault.kind.answer().is_some());
    // Behind nginx, a server that is down results in a 502.
    let wait = super::wait(case, arithmetic);
    let may_be_away = case.contender.link.via.is_nginx() && super::has_one_server(case);
    let away = may_be_away && others.iter().any(|fault| !super::finds_a_server(&wait, fault));
    let refused = others.iter().any(|fault| fault.kind == FaultKind::Link(LinkFault::Refuse));
    match (answers.as_slice(), others.as_slice()) {
        ([], _) if !away => Ok(0.0),
        ([answer], [cut]) if super::cuts(cut.kind) && cut.every.is_none() && answer.every.is_none() && !refused => {
            let meets = meets(cut, answer, case, arithmetic)?;
            Ok(if meets { case.clients * cut.share } else { 0.0 })
        }
        _ => Err(NotPredicted::Chance),
    }
}

/// Whether all clients that were cut off reconnect during the fault that gives wrong answers, or none of them.
fn meets(cut: &Fault, answer: &Fault, case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Result<bool, NotPredicted> {
    let (wait, path) = (super::wait(case, arithmetic), case.path);
    let at = cut.at.as_secs_f64();
    let first = at + wait.least - MARGIN;
    let last = at + path.mean_delay() + wait.longest() + path.open_time() + MARGIN;
    let (from, to) = (answer.at.as_secs_f64(), (answer.at + answer.length).as_secs_f64());
    if from <= first && last <= to {
        Ok(true)
    } else if last <= from || to <= first {
        Ok(false)
    } else {
        Err(NotPredicted::Chance)
    }
}
