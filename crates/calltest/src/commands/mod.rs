//! The commands, one file each.

pub(crate) mod asterisk_config;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod dumpcfg;
pub(crate) mod man;
pub(crate) mod number;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod server;
