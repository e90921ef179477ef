//! A class: what it is asked, and what it predicts.
