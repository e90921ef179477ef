//! What the arithmetic of each transport says, before anything is measured.
