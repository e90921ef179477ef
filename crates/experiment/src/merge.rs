//! Several runs of the same scenario, as one.
