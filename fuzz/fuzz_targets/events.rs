//! libFuzzer on messages of Asterisk's WebSocket. What is done with an input is in the crate `fuzz-targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz_targets::events::check(input));
