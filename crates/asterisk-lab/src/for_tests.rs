//! The programs that all tests of this workspace share, in folders of cargo's target directory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::cache::{self, Fetchable};
use crate::{Faketime, FetchOptions, Installation, Nginx, Sipp};

/// The Asterisk that all tests of this workspace share, fetched into `asterisk` below [`target_directory`] by the first that
/// asks.
///
/// # Panics
///
/// When there is none and it cannot be fetched: no test that needs one can pass then.
#[must_use]
pub fn for_tests() -> Installation {
    fetched("asterisk")
}

/// The oldest Asterisk that tests are run on, 16 as Debian 11 has it, fetched beside the other.
///
/// # Panics
///
/// When there is none and it cannot be fetched: no test that needs one can pass then.
#[must_use]
pub fn old_asterisk_for_tests() -> Installation {
    fetched_from("asterisk", FetchOptions { suite: "bullseye".to_owned(), ..FetchOptions::default() })
}

/// The SIPp that all tests of this workspace share, fetched into `sipp` below [`target_directory`] by the first that asks.
///
/// # Panics
///
/// When there is none and it cannot be fetched: no test that needs one can pass then.
#[must_use]
pub fn sipp_for_tests() -> Sipp {
    fetched("sipp")
}

/// The nginx that all tests of this workspace share, fetched into `nginx` below [`target_directory`] by the first that asks.
///
/// # Panics
///
/// When there is none and it cannot be fetched: no test that needs one can pass then.
#[must_use]
pub fn nginx_for_tests() -> Nginx {
    fetched("nginx")
}

/// The libfaketime that all tests of this workspace share, fetched into `faketime` below [`target_directory`] by the first
/// that asks.
///
/// # Panics
///
/// When there is none and it cannot be fetched: no test that needs one can pass then.
#[must_use]
pub fn faketime_for_tests() -> Faketime {
    fetched("faketime")
}

/// Where cargo puts what it builds of this workspace: `target`, unless the environment or its configuration names another.
///
/// # Panics
///
/// When cargo does not tell.
#[must_use]
pub fn target_directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let told = Command::new(env!("CARGO"))
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("the cargo that has built this can be run");
        let metadata: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
        let directory = metadata["target_directory"].as_str();
        directory.unwrap_or_else(|| panic!("no target directory: {}", String::from_utf8_lossy(&told.stderr))).into()
    })
}

fn fetched<P: Fetchable>(folder: &str) -> P {
    fetched_from(folder, FetchOptions::default())
}

fn fetched_from<P: Fetchable>(folder: &str, options: FetchOptions) -> P {
    let cache = target_directory().join(folder);
    let program = cache::fetched(&cache, &options, |step| eprintln!("{step} …"));
    program.unwrap_or_else(|error| panic!("no {} to test with: {error}", P::PACKAGE.name))
}
