//! `feedlab workshop`: serves the chapters, the class and the live page at one address, and runs the coding exercises.

use crate::command::limits;
use crate::exit::Exit;

mod exercise;
mod serve;

const EXAMPLES: &str = "\
Examples:
  feedlab workshop
  feedlab workshop --class tuesday.ndjson
  feedlab workshop --listen 0.0.0.0:8080    let others on this network take part
  feedlab workshop --listen 0.0.0.0:8080 --labs 25
  feedlab workshop --class http://192.168.1.5:8080    send this laptop's votes to the class
  feedlab workshop next                     start the next coding exercise
  feedlab workshop check                    test your code
  feedlab workshop watch                    test it whenever you save
  feedlab workshop check --url URL          test your own server, in any language

Exit status:
  0  served until it was stopped, or the exercise or your server passes
  1  something failed, or the exercise or your server does not pass yet
  2  wrong usage, or a file of votes that cannot be read

Next:
  open /workshop at the printed address; the instructor's address is for the projector";

/// Teach and learn: chapters, predictions, measurements and the live page at one address
///
/// Each chapter asks for a prediction, measures, and shows both next to the computed prediction. The class's answers,
/// before and after the measurement, go into a file, one line of JSON each; `feedlab report RUN --votes FILE` adds them
/// to a run's report. The workshop contacts no other machine.
///
/// A whole class can take part: with --listen 0.0.0.0:8080 this machine listens on all of its addresses, not only on
/// 127.0.0.1, which no other machine reaches. It prints the address at which learners join (http://192.168.1.5:8080/join),
/// which the class page also shows as a QR code, and the instructor's address, whose token leads the class: question,
/// vote, discussion, second vote, measurement, answer. Learners' pages follow, and show no answer before the instructor
/// does. If they cannot open the address, a firewall on this machine blocks the port, or the Wi-Fi isolates its clients:
/// use another network, such as a phone's hotspot. The lab of the live page (distance, faults) is available only in
/// browsers on this machine; elsewhere, the page says so. With --labs 25, up to 25 browser tabs get a lab of their own, on
/// any machine that reaches this one.
///
/// Laptops can also serve the workshop themselves and send their votes to the class: --class http://192.168.1.5:8080.
/// Votes that were cast out of reach are sent later, and count once.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Exercises",
    after_help = EXAMPLES,
    after_long_help = limits::of_a_workshop(EXAMPLES)
)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: Option<exercise::Step>,

    #[command(flatten)]
    serve: serve::ServeArgs,
}

/// Serves the workshop, or runs a step of the exercises.
pub(crate) fn execute(args: Args) -> anyhow::Result<Exit> {
    match args.step {
        Some(step) => exercise::execute(&step),
        None => serve::execute(args.serve),
    }
}
