//! What is wrong with a file of a class: one line that says where, what, and what to do.

/// Why the questions or the votes of a class cannot be used. The message does not know the file's name: whoever read it
/// puts that before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// The questions say something that cannot be understood or asked.
    #[error("line {line}, column {column}: {problem}")]
    Questions {
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1.
        column: usize,
        /// What is wrong, and after a semicolon the remedy.
        problem: String,
    },
    /// A vote says something that nobody can have voted.
    #[error("line {line}: {problem}")]
    Vote {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and after a semicolon the remedy.
        problem: String,
    },
}
