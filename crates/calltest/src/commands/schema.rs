//! `calltest schema`: the JSON Schema of the configuration on stdout.

use crate::exit::{Exit, Stop};
use crate::output;

pub(crate) fn run() -> Result<Exit, Stop> {
    Ok(output::print_all(&format!("{:#}\n", calltest_config::schema()))?)
}
