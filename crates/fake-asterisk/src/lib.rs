//! A scripted ARI server for faults and scale that a real Asterisk cannot produce on demand.
