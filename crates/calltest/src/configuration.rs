//! Finds and loads the configuration, and says what is wrong with it.

use std::env;
use std::error::Error as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltest_config::{Directories, Input, Loaded, Palette, Source, default_paths, load};
use calltest_core::plan::Plan;
use calltest_daemon::{Load, Rejection};

use crate::cli::Common;
use crate::exit::Exit;
use crate::output;

/// Loads what the command line names. Remarks and errors go to stderr.
pub(crate) fn load_for(common: &Common) -> Result<Loaded, Exit> {
    let source = source(common)?;
    load_source(source, common, Vec::new())
}

/// How to load the same again, whenever that is called, for a program that runs on.
pub(crate) fn reloader(common: &Common) -> Load {
    let (cfg, conf, is_lenient) = (common.cfg.clone(), common.conf.clone(), common.lenient);
    Arc::new(move || {
        let source = find(cfg.as_deref()).map_err(Rejection)?;
        let loaded = load(&Input { source, overrides: conf.clone(), is_lenient });
        match loaded {
            Ok(Loaded { plan, .. }) if plan.tests.is_empty() => {
                Err(Rejection(format!("No tests known. {} has no `calls`", plan.origin)))
            }
            Ok(Loaded { plan, notes, .. }) => {
                notes.render(Palette::Plain).lines().for_each(|line| tracing::info!("{line}"));
                Ok(plan)
            }
            Err(rejected) => Err(Rejection(rejected.to_string())),
        }
    })
}

/// Loads this source, with the command line's overrides after these.
pub(crate) fn load_source(source: Source, common: &Common, mut overrides: Vec<String>) -> Result<Loaded, Exit> {
    overrides.extend(common.conf.iter().cloned());
    match load(&Input { source, overrides, is_lenient: common.lenient }) {
        Ok(loaded) => {
            if !common.quiet {
                output::say_text(&loaded.notes.render(palette()));
            }
            Ok(loaded)
        }
        Err(rejected) => {
            output::say_text(&rejected.diagnostics.render(palette()));
            Err(Exit::Usage)
        }
    }
}

fn source(common: &Common) -> Result<Source, Exit> {
    find(common.cfg.as_deref()).map_err(|sentence| {
        output::complain(&sentence);
        Exit::Usage
    })
}

fn find(cfg: Option<&Path>) -> Result<Source, String> {
    let found = match cfg {
        Some(path) => Source::read(path).map(Some),
        None => Source::first_of(&default_paths(&directories())),
    };
    found.map(|source| source.unwrap_or(Source::Builtin)).map_err(|error| {
        let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{error}{why}")
    })
}

/// Where a configuration is looked for if none is named, in words.
pub(crate) fn places() -> String {
    let paths = default_paths(&directories());
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The folder for what outlives a run: the configuration's, systemd's, or the one for a user's state (XDG Base Directory
/// Specification).
pub(crate) fn state_directory(plan: &Plan) -> PathBuf {
    if let Some(configured) = &plan.state_dir {
        return configured.clone();
    }
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    let state_home = || absolute("XDG_STATE_HOME").or_else(home).map(|base| base.join("calltest"));
    // Several directories of one unit are separated by colons.
    let systemd = env::var_os("STATE_DIRECTORY").and_then(|list| env::split_paths(&list).next());
    let systemd = systemd.filter(|path| path.is_absolute());
    systemd.or_else(state_home).unwrap_or_else(|| "/var/lib/calltest".into())
}

fn directories() -> Directories {
    Directories {
        config_home: env::var_os("XDG_CONFIG_HOME").map(Into::into),
        home: env::var_os("HOME").map(Into::into),
    }
}

fn palette() -> Palette {
    let is_coloured = std::io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
    if is_coloured { Palette::Coloured } else { Palette::Plain }
}
