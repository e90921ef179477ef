//! Judges any server, over the network alone.
//!
//! [`run`] tries the cases of a contract on a server and says which hold: *is it right?* [`inspect`] watches a live
//! stream and reports what happens to it on the way: *why does it stall?* Both are bounded in time, connections and
//! memory, whatever the server does, and neither prints.
//!
//! To learn how a case is read, start with `contract.rs`; how it is carried out, with `run.rs`; what a failure shows, with
//! `trace.rs`; how a stream is judged, with `inspect.rs`.

pub mod contract;
pub mod target;

pub mod connection;
mod decode;
pub mod frames;
pub mod http;
pub mod stream;

pub mod publish;
pub mod run;
mod shell;

pub mod outcome;
pub mod report;
pub mod trace;

pub mod inspect;

pub mod limits;
