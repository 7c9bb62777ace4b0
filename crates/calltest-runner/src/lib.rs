//! How one call test is carried out and cleaned up: leases, legs, inbound matching, one file per mode.
