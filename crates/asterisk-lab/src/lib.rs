//! Real Asterisk servers on this machine, for demonstrations, tests and benchmarks.
//!
//! An [`Installation`] is an Asterisk that can be run: Debian's current one, fetched into a private cache and run from
//! there by any user, or one that is installed. A [`Lab`] is a set of servers that run from it, each with its own
//! loopback address, joined by SIP trunks as wanted:
//!
//! ```no_run
//! use asterisk_lab::{Lab, Trunk};
//!
//! let lab = Lab::builder(&asterisk_lab::for_tests())
//!     .server("a")
//!     .server("b")
//!     .trunk(Trunk::between("a", "b"))
//!     .start()?;
//! let a = lab.server("a");
//! println!("ARI of a: {}", a.ari().base_url());
//! println!("calls from a to b: {}", a.dial_string("trunk"));
//! println!("{}", a.cli("core show channels count")?);
//! # Ok::<(), asterisk_lab::LabError>(())
//! ```
//!
//! Where the far end must not be an Asterisk, it is a SIPp that treats each call as a [`Scenario`] says:
//!
//! ```no_run
//! use asterisk_lab::{Lab, Scenario};
//!
//! let lab = Lab::builder(&asterisk_lab::for_tests())
//!     .server("a")
//!     .far_ends(&asterisk_lab::sipp_for_tests(), [("busy", Scenario::silent().rings().rejects(486))])
//!     .start()?;
//! println!("calls to it from any server of the lab: {}", lab.far_end("busy").dial_string());
//! # Ok::<(), asterisk_lab::LabError>(())
//! ```
//!
//! A server uses its own loopback address and no other: SIP, RTP and ARI are out of reach for other machines. (The one
//! thing elsewhere is a pair of sockets from which PJSIP would send questions to DNS servers.)
//!
//! A lab leaves no process and no file behind when it is dropped, nor when the program that holds it is killed. The
//! texts of the servers' configuration come from `asterisk-setup`; what is said over ARI is the caller's business.

mod apt;
mod asterisk;
mod cache;
mod command_line;
mod config_files;
mod error;
mod faketime;
mod far_end;
mod fetch;
mod files;
mod for_tests;
mod installation;
mod lab;
mod loopback;
mod mirror;
mod nginx;
mod options;
mod poll;
mod process;
mod ready;
mod scenario;
mod server;
mod sipp;
mod trunk;
mod watcher;

pub use asterisk_setup::{AriUser, DialplanLanguage, DtmfMode};
pub use error::{InstallError, LabError};
pub use faketime::Faketime;
pub use far_end::FarEnd;
pub use fetch::{FetchOptions, FetchStep};
pub use files::FileError;
pub use for_tests::{
    faketime_for_tests, for_tests, nginx_for_tests, old_asterisk_for_tests, sipp_for_tests, target_directory,
};
pub use installation::Installation;
pub use lab::{Lab, LabBuilder};
pub use loopback::LoopbackAddress;
pub use nginx::{Nginx, Proxy};
pub use options::ServerOptions;
pub use scenario::Scenario;
pub use server::{Ari, Server};
pub use sipp::Sipp;
pub use trunk::Trunk;
