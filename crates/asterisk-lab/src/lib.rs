//! Real Asterisk servers on this machine, for demonstrations, tests and benchmarks.
