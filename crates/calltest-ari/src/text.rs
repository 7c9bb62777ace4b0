//! The strings that Asterisk sends.

/// A string of an object or an event. Most of those are short, and up to 24 bytes it keeps in its own place: an event has a
/// dozen of them, and thousands of events come in a second.
pub type Text = compact_str::CompactString;
