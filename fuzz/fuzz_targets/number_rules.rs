//! libFuzzer on number rules, quiet times, dial strings and phone numbers. What is done with an input is in the crate `fuzz-targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz_targets::number_rules::check(input));
