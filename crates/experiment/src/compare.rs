//! Two runs of the same scenario, side by side.
