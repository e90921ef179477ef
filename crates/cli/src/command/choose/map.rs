//! `feedlab choose --map X,Y`: the map of choices around the question.

use std::path::PathBuf;

use feedlab_experiment::choice::map::parse_axes;
use feedlab_experiment::choice::{Input, Question};

use crate::command::map;
use crate::output::Format;

/// The flags of the map.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Map of choices")]
pub(super) struct MapArgs {
    /// Also show which transport is the best over two inputs, as in rate,budget; the inputs are rate, budget, rtt,
    /// clients, payload, sends, idle_timeout, poll_interval and deploys_a_day
    #[arg(long, value_name = "X,Y", value_parser = parse_axes)]
    map: Option<(Input, Input)>,

    /// Draw that map as a chart
    #[arg(long, value_name = "FILE.svg", requires = "map")]
    chart: Option<PathBuf>,
}

impl MapArgs {
    /// Shows the map below an answer in text, and draws its chart with an answer in any format.
    pub(super) fn show(&self, question: &Question, is_text: bool) -> anyhow::Result<()> {
        match self.map {
            Some(axes) if is_text || self.chart.is_some() => {
                map::execute(question, axes, self.chart.as_deref(), is_text.then_some(Format::Text))
            }
            _ => Ok(()),
        }
    }
}
