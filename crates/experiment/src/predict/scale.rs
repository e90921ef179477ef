//! Scaling estimates: what measured costs per connection, update and request imply for many more clients than were
//! measured.
//!
//! Called by `feedlab predict --clients N`; the report's cost chart draws its [`Panel`]s. A [`Reference`] is a measured
//! run, and a [`Study`] combines its costs with predicted traffic. The other types are results of a study: what N
//! clients [need](Study::needs), what is needed [around their servers](Study::fleets), the [`panels`](Study::panels) of
//! a chart, and [from which rate](Study::rate_comparisons) another contender is cheaper.

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

/// The contents of one chart of cost against the number of clients.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Panel {
    /// The heading, such as "server CPU".
    pub title: String,
    /// The unit of all costs.
    pub unit: Unit,
    /// One curve per contender, in the scenario's order.
    pub curves: Vec<Curve>,
    /// The crossings of curves, by ascending number of clients.
    pub crossings: Vec<Crossing>,
}

/// The unit of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Fully busy processor cores.
    Cores,
    /// Bytes of memory.
    Bytes,
    /// Bits per second on the wire, both directions.
    BitsPerSecond,
}

/// One contender's cost against the number of clients.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// The contender's label.
    pub label: String,
    /// Its transport.
    pub transport: Transport,
    /// Pairs of clients and cost, by ascending number of clients; both are above 0 unless the cost is zero.
    pub points: Vec<(f64, f64)>,
}

/// The point at which one contender becomes cheaper than another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Crossing {
    /// The number of clients.
    pub clients: f64,
    /// The cost of both at this point, in the panel's unit.
    pub cost: f64,
    /// The contender that is cheaper below this point, and the one that is cheaper above.
    pub labels: (String, String),
}
