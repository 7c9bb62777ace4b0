//! `calltest man`: the manual page on stdout, with a section for each command; or a page for each command, in a folder.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::cli::{self, Cli};
use crate::exit::{Exit, Stop};
use crate::output;

pub(crate) fn run(wanted: &cli::Man) -> Result<Exit, Stop> {
    let mut command = Cli::command();
    command.build();
    let page = whole(&command)?;
    match &wanted.dir {
        None => Ok(output::print_all(&String::from_utf8_lossy(&page))?),
        Some(dir) => {
            write_all(&command, &page, dir).with_context(|| format!("could not write to {}", dir.display()))?;
            Ok(Exit::Success)
        }
    }
}

fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help")
}

/// The page of the program, which has all of its commands.
fn whole(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    for subcommand in subcommands(command) {
        let man = Man::new(subcommand.clone());
        writeln!(page, ".SH \"{}\"", subcommand.get_name().to_uppercase())?;
        man.render_description_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    Ok(page)
}

/// The page of the program, and one for each command, under the names by which `man` finds them.
fn write_all(command: &Command, page: &[u8], dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("calltest.1"), page)?;
    for subcommand in subcommands(command) {
        let source = format!("calltest {}", command.get_version().unwrap_or_default());
        let man = Man::new(subcommand.clone()).source(source);
        let mut page = Vec::new();
        man.render(&mut page)?;
        fs::write(dir.join(man.get_filename()), page)?;
    }
    Ok(())
}
