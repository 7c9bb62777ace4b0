//! libFuzzer on configurations with their overrides. What is done with an input is in the crate `fuzz-targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz_targets::configuration::check(input));
