//! The command line's promises: exit codes, JSON shapes, streams, and a sentence for every bad
//! input.

mod bad_input;
mod findings;
mod shapes;
mod streams;
