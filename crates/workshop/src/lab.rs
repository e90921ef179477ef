//! A lab for each browser tab: a server, and a lab proxy before each door.
