//! libFuzzer on answers to requests. What is done with an input is in the crate `fuzz-targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz_targets::answers::check(input));
