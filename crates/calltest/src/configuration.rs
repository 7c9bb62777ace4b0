//! Finds and loads the configuration, and says what is wrong with it.

use std::env;
use std::error::Error as _;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use calltest_config::{Input, Loaded, Palette, Source, default_paths, load};
use calltest_daemon::{Load, Rejection};

use crate::cli::Common;
use crate::exit::{Exit, Stop};
use crate::{directories, output};

/// Loads what the command line names. Remarks and errors go to stderr.
pub(crate) fn load_for(common: &Common) -> Result<Loaded, Stop> {
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
pub(crate) fn load_source(source: Source, common: &Common, mut overrides: Vec<String>) -> Result<Loaded, Stop> {
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
            Err(Stop::Told(Exit::Usage))
        }
    }
}

fn source(common: &Common) -> Result<Source, Stop> {
    find(common.cfg.as_deref()).map_err(output::refuse)
}

fn find(cfg: Option<&Path>) -> Result<Source, String> {
    let found = match cfg {
        Some(path) => Source::read(path).map(Some),
        None => Source::first_of(&default_paths(&directories::configuration())),
    };
    found.map(|source| source.unwrap_or(Source::Builtin)).map_err(|error| {
        let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{error}{why}")
    })
}

/// Where a configuration is looked for if none is named, in words.
pub(crate) fn places() -> String {
    let paths = default_paths(&directories::configuration());
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn palette() -> Palette {
    let is_coloured = std::io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
    if is_coloured { Palette::Coloured } else { Palette::Plain }
}
