//! The chapters of the workshop.
