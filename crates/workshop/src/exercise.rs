//! The coding exercises: which there are, and how far a learner is.
