//! `calltest schema`: the JSON Schema of the configuration on stdout.

use crate::exit::Exit;
use crate::output;

pub(crate) fn run() -> anyhow::Result<Exit> {
    output::print_all(&format!("{:#}\n", calltest_config::schema()))
}
