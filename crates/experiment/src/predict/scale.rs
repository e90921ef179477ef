//! Scale on paper: what measured costs per connection, update and request say about many more clients than were
//! measured.
//!
//! Called by `feedlab predict --clients N`; the report's cost chart draws its [`Panel`]s. A [`Reference`] is a run that
//! was measured, a [`Study`] puts its costs together with the traffic that is predicted, and the rest are questions to
//! the study: what N clients [need](Study::needs) and what is needed [around their servers](Study::fleets), the [`panels`](Study::panels) of a chart, and from
//! [which rate on](Study::rate_comparisons) another contender is cheaper.

use feedlab_feed::Transport;
use serde::Serialize;

mod broker;
mod costs;
mod crossing;
mod fleet;
mod rate;
mod reference;
mod study;

pub use broker::Broker;
pub use fleet::{Deploy, Fleet, Storm};
pub use rate::{RateComparison, RateCrossing};
pub use reference::Reference;
pub use study::{Limits, Need, Resource, ScaleError, Study};

/// What one chart of cost against the number of clients shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Panel {
    /// Its heading: "server CPU".
    pub title: String,
    /// The unit of every cost in it.
    pub unit: Unit,
    /// A curve a contender, in the scenario's order.
    pub curves: Vec<Curve>,
    /// Where two curves cross, by clients ascending.
    pub crossings: Vec<Crossing>,
}

/// The unit of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Processor cores that are busy all the time.
    Cores,
    /// Bytes of memory.
    Bytes,
    /// Bits a second on the wire, both directions.
    BitsPerSecond,
}

/// One contender's cost against the number of clients.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// The contender's label.
    pub label: String,
    /// Its transport.
    pub transport: Transport,
    /// Clients and cost, clients ascending; both above 0 unless the cost is nothing.
    pub points: Vec<(f64, f64)>,
}

/// Where one contender becomes cheaper than another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Crossing {
    /// So many clients.
    pub clients: f64,
    /// What both cost there, in the panel's unit.
    pub cost: f64,
    /// The contender that is cheaper below, and the one that is cheaper above.
    pub labels: (String, String),
}
