//! `feedlab choose`: answers which transport fits, why, what it costs, and when the answer would change.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use feedlab_experiment::choice::{self, Answer, Nearest, Proof, Question};
use feedlab_feed::bounded;
use serde::Serialize;

use crate::exit::{Exit, bad_input};
use crate::output;

mod conversation;
mod file;
mod flags;
mod map;
mod page;
mod render;
mod words;

use conversation::Ended;
use flags::QuestionArgs;

/// The heading of the flags that are not part of the question.
const OUTPUT: &str = "What comes out";

/// Choose a transport: which one fits, why, what it costs, and when the answer would change
///
/// Describe what you need in a file, with flags, or in a short conversation: on a terminal, without either, feedlab asks.
/// What you do not say has a default: feedlab choose --rate 1/s shows them all.
///
/// Ages, bytes and requests are predicted; CPU, memory and servers are extrapolated from the costs that a run measured.
/// Transports that differ by less than these figures are exact are equal: a tie. The answer comes with the nearest
/// value of each input at which another transport would be better, and with a scenario that measures all of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab choose
  feedlab choose --clients 3000 --rate 0.2/s --pattern 'bursts of 5' --payload '400 B' --budget 2s
  feedlab choose --rate 10/s --budget 200ms --between nginx --between 'idle timeout of 60s'
  feedlab choose --chat --clients 30 --sends 0.2/s --payload 80 --budget 300ms
  feedlab choose team.toml --price 0.09/GB --price 40/server --cares-about money,age
  feedlab choose team.toml --map rate,budget --chart map.svg
  feedlab choose team.toml --format json | jq '.answer.winners'

A file has the same names, for example team.toml:
  clients = 3000
  rate = 0.2
  pattern = \"bursts of 5\"
  payload = \"400 B\"
  budget = \"2s\"
  between = [\"nginx\", \"idle timeout of 60s\"]

Exit status:
    0  answered, also if nothing fits
    1  something failed
    2  wrong usage, or a question that contradicts itself or that no transport can meet
  130  interrupted, or the input ended during the conversation

Next:
  feedlab run choice.toml    measure it; the thresholds are your budget
  docs/choose.md             how the answer is computed, and twelve teams")]
pub(crate) struct Args {
    /// The question, a TOML file; flags take precedence
    #[arg(value_name = "FILE.toml")]
    file: Option<PathBuf>,

    #[command(flatten)]
    question: QuestionArgs,

    /// Where to write the scenario that measures the answer
    #[arg(long, value_name = "FILE", default_value = "choice.toml", help_heading = OUTPUT)]
    output: PathBuf,

    /// Overwrite that file even if feedlab choose did not write it, or it was edited since
    #[arg(long, help_heading = OUTPUT)]
    force: bool,

    /// Output format of the answer
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = OUTPUT)]
    format: Format,

    #[command(flatten)]
    map: map::MapArgs,
}

/// The format of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One screen of text
    Text,
    /// Every figure, for programs
    Json,
    /// For a wiki or a pull request
    Markdown,
    /// A page without references to other files
    Html,
}

/// The answer, and everything that follows from it.
#[derive(Debug, Serialize)]
struct Answered {
    answer: Answer,
    crossings: Vec<Nearest>,
    practice: Vec<String>,
    proof: Option<Proof>,
}

/// Asks if nothing is given, answers, writes the scenario, and prints the answer.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let question = match question(args)? {
        Ok(question) => question,
        Err(Ended) => {
            output::advice("\nended: nothing was chosen");
            return Ok(Exit::Interrupted);
        }
    };
    let answered = Answered::new(&question).map_err(bad_input)?;
    if let Some(proof) = &answered.proof {
        file::write(&args.output, &proof.scenario, args.force)?;
    }
    print(args, &answered)?;
    args.map.show(&answered.answer.question, args.format == Format::Text)?;
    Ok(Exit::Done)
}

/// Returns the question from the file and the flags, or from the conversation.
fn question(args: &Args) -> anyhow::Result<Result<Question, Ended>> {
    if args.file.is_none() && args.question.is_empty() {
        return match std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            true => conversation::ask(&mut std::io::stdin().lock(), output::prompt),
            false => Err(bad_input(anyhow::anyhow!(
                "nothing was asked, and standard input is no terminal; describe what you need, as in: feedlab choose \
                 --clients 3000 --rate 0.2/s --payload 400 --budget 2s"
            ))),
        };
    }
    let mut question = args.file.as_deref().map_or_else(|| Ok(Question::default()), read)?;
    args.question.apply(&mut question);
    Ok(Ok(question))
}

fn read(file: &Path) -> anyhow::Result<Question> {
    let text = bounded::read_text(file, bounded::TEXT_BYTES)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(bad_input)?;
    Question::parse(&text).map_err(|error| bad_input(anyhow::anyhow!("{}: {error}", file.display())))
}

impl Answered {
    fn new(question: &Question) -> Result<Self, choice::QuestionError> {
        let answer = choice::answer(question)?;
        let crossings = answer.crossings();
        Ok(Self { practice: answer.practice(), proof: answer.proof(&crossings), crossings, answer })
    }
}

fn print(args: &Args, answered: &Answered) -> anyhow::Result<()> {
    let page = || page::of(answered, &args.output);
    match args.format {
        Format::Text => output::data(&render::text(&page())),
        Format::Json => output::json_pretty(answered),
        Format::Markdown => output::data(&render::markdown(&page())),
        Format::Html => output::data(&render::html(&page())),
    }
}
