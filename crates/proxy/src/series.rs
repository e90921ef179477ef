//! Faults that come again.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::fault::Fault;
use crate::lab::Lab;
use crate::rng::Rng;

/// Lets a fault come again and again, until all is healed or a new series of its kind is ordered.
pub(crate) fn start(lab: &Arc<Lab>, fault: Fault, every: Duration) {
    let (token, rng) = lab.begin_series(fault.kind, every);
    tokio::spawn(repeat(Arc::downgrade(lab), fault, every, rng, token));
}

/// Holds no lab while it waits: the last to let go of the lab ends the series with it.
async fn repeat(lab: Weak<Lab>, fault: Fault, every: Duration, mut rng: Rng, ended: CancellationToken) {
    loop {
        let pause = if fault.at_random { rng.wait(every) } else { every };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = ended.cancelled() => return,
        }
        let Some(lab) = lab.upgrade() else { return };
        lab.order(&fault).await;
    }
}
