//! The coding exercises of the workshop.
