//! The `calltest` program.
fn main() {}
