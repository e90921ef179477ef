//! The lab proxy: distance and faults for any TCP connection, without root.
