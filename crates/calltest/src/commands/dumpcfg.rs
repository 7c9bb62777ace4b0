//! `calltest dumpcfg`: the configuration as it takes effect, on stdout.

use calltest_config::Secrets;

use crate::cli::{Cli, Dumpcfg};
use crate::exit::Exit;
use crate::{configuration, output};

pub(crate) fn run(cli: &Cli, dump: &Dumpcfg) -> anyhow::Result<Exit> {
    let loaded = match configuration::load_for(&cli.common) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let secrets = if dump.show_secrets { Secrets::Shown } else { Secrets::Redacted };
    output::print_all(&loaded.dump(secrets))
}
