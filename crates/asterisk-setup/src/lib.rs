//! The configuration texts that an Asterisk needs for calltest, as pure functions.
