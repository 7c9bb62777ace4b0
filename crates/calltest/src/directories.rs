//! The directories of the user and the system, by the environment (XDG Base Directory Specification).

use std::env;
use std::path::PathBuf;

use calltest_config::Directories;
use calltest_core::plan::Plan;

/// The folder for what outlives a run: the configuration's, systemd's, or the one for a user's state.
pub(crate) fn state(plan: &Plan) -> PathBuf {
    if let Some(configured) = &plan.state_dir {
        return configured.clone();
    }
    // Several directories of one unit are separated by colons.
    let systemd = env::var_os("STATE_DIRECTORY").and_then(|list| env::split_paths(&list).next());
    let systemd = systemd.filter(|path| path.is_absolute());
    systemd.or_else(|| of_user("XDG_STATE_HOME", ".local/state")).unwrap_or_else(|| "/var/lib/calltest".into())
}

/// The folder for what can be fetched again.
pub(crate) fn cache() -> Option<PathBuf> {
    of_user("XDG_CACHE_HOME", ".cache")
}

/// Where configurations are looked for.
pub(crate) fn configuration() -> Directories {
    Directories {
        config_home: env::var_os("XDG_CONFIG_HOME").map(Into::into),
        home: env::var_os("HOME").map(Into::into),
    }
}

/// Our folder in the user's directory of one kind: the one that the variable names, or the one at home.
fn of_user(variable: &str, at_home: &str) -> Option<PathBuf> {
    // The specification has relative paths ignored.
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(at_home)));
    base.map(|base| base.join("calltest"))
}
