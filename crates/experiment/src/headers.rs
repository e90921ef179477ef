//! The request headers of a simulated client.
