//! `calltest schema`: the JSON Schema of the configuration on stdout.

use crate::exit::Exit;

pub(crate) fn run() -> anyhow::Result<Exit> {
    println!("{}", serde_json::to_string_pretty(&calltest_config::schema())?);
    Ok(Exit::Success)
}
