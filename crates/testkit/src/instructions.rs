//! Benchmarks that `scripts/check-instructions` runs under valgrind, which counts instructions instead of time.
//!
//! A bench target of any crate lists what it prepares:
//!
//! ```no_run
//! fn sum() -> impl FnMut() {
//!     let numbers = vec![1, 2, 3];
//!     move || drop(std::hint::black_box(numbers.iter().sum::<i32>()))
//! }
//! feedlab_testkit::instructions::main(&[("sum", || Box::new(sum()))]).unwrap();
//! ```
//!
//! The script runs each at two numbers of iterations. The difference between the two counts is that of the additional
//! iterations alone, so what prepares a benchmark and what starts a process is not in it.

use std::env::args;
use std::io::{self, Write as _};

/// A name, and what prepares one operation: each call of what it returns is counted.
pub type Benchmark = (&'static str, fn() -> Box<dyn FnMut()>);

/// Lists the benchmarks without arguments; with `NAME ITERATIONS`, runs one.
///
/// # Errors
/// When nobody reads the list.
///
/// # Panics
/// When there is no such benchmark, or the second argument is not a number.
pub fn main(benchmarks: &[Benchmark]) -> io::Result<()> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [name, iterations] = &arguments[..] else {
        for (name, _) in benchmarks {
            writeln!(io::stdout(), "{name}")?;
        }
        return Ok(());
    };
    let (_, prepare) = benchmarks.iter().find(|(one, _)| one == name).expect("a benchmark of this name");
    let mut operation = prepare();
    for _ in 0..iterations.parse::<u32>().unwrap() {
        operation();
    }
    Ok(())
}
