//! `calltest dumpcfg`: the configuration as it takes effect, on stdout.

use calltest_config::Secrets;

use crate::cli::{Cli, Dumpcfg};
use crate::exit::{Exit, Stop};
use crate::{configuration, output};

pub(crate) fn run(cli: &Cli, dump: &Dumpcfg) -> Result<Exit, Stop> {
    let loaded = configuration::load_for(&cli.common)?;
    let secrets = if dump.show_secrets { Secrets::Shown } else { Secrets::Redacted };
    Ok(output::print_all(&loaded.dump(secrets))?)
}
