//! The command line. The words of calltest 0.7 keep working; `--help` teaches the rest.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Tests whether phone lines work, by making real calls through Asterisk
#[derive(Debug, Parser)]
#[command(
    name = "calltest",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 all passed, 1 a test failed, 2 wrong usage or configuration, 3 could not find out, 130 interrupted.\n\
                  Start with `calltest demo`, which needs no Asterisk of yours."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) log: LogLevels,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes, before its name or after.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The configuration file; `-` for the built-in defaults alone [default: /etc/voice/calltest.cfg, /etc/calltest.cfg, or
    /// calltest/calltest.cfg in your configuration directory]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) cfg: Option<PathBuf>,
    /// Sets one value of the configuration, as in `-C asterisk.port=8089`; without `=` it is removed. Repeatable
    #[arg(short = 'C', long, global = true, value_name = "KEY[=VALUE]", action = ArgAction::Append)]
    pub(crate) conf: Vec<String>,
    /// Takes unknown keys of the configuration as warnings, for files that calltest 0.7 took
    #[arg(long, global = true)]
    pub(crate) lenient: bool,
    /// Tells more: once for warnings and each call's timeline, twice for progress, three times for debugging
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Tells only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

/// Log levels, under the short name that `run` has for something else.
#[derive(Debug, Args)]
pub(crate) struct LogLevels {
    /// Sets the log level of a part of the program, as in `-l calltest_ari=debug`. Repeatable
    #[arg(short, long = "log", value_name = "TARGET=LEVEL", action = ArgAction::Append)]
    pub(crate) levels: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs tests once, and exits with 0 if all of them passed
    Run(Run),
    /// Prints the configuration as it takes effect, defaults filled in
    Dumpcfg(Dumpcfg),
    /// Starts two private Asterisk servers and runs the example tests on them
    Demo(Demo),
    /// Prints the JSON Schema of the configuration, for editors
    Schema,
    /// Prints a completion script for a shell
    Completions(Completions),
    /// Prints the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The tests to run; none for all that are not marked `skip`
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Lists the tests instead: name, `m` if only started by hand, what it is for
    #[arg(short, long)]
    pub(crate) list: bool,
    /// How to print finished runs
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Takes the Stasis app over, even from a calltest that is running
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Sets the log level of a part of the program, as in `--log calltest_ari=debug`. Repeatable
    #[arg(long = "log", value_name = "TARGET=LEVEL", action = ArgAction::Append)]
    pub(crate) late_levels: Vec<String>,
}

/// How finished runs are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// One line a run, for people
    #[default]
    Text,
    /// One JSON object a run and line, with everything that is known about it
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Dumpcfg {
    /// Prints passwords instead of `***`
    #[arg(long)]
    pub(crate) show_secrets: bool,
    #[command(flatten)]
    pub(crate) log: LogLevels,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Uses an installed Asterisk (18 or newer) instead of fetching one: its path, or `installed` for the one on PATH
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) asterisk: Option<PathBuf>,
    /// The Debian mirror to fetch Asterisk from [default: the one that this machine uses]
    #[arg(long, value_name = "URL", conflicts_with = "asterisk")]
    pub(crate) mirror: Option<String>,
    /// Where the fetched Asterisk is kept [default: calltest in your cache directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) log: LogLevels,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

impl Cli {
    /// Every log level asked for, wherever on the command line.
    pub(crate) fn log_levels(&self) -> Vec<&str> {
        let late: &[String] = match &self.command {
            Command::Run(run) => &run.late_levels,
            Command::Dumpcfg(dump) => &dump.log.levels,
            Command::Demo(demo) => &demo.log.levels,
            Command::Schema | Command::Completions(_) | Command::Man => &[],
        };
        self.log.levels.iter().chain(late).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_words_of_calltest_0_7_work_before_and_after_the_command() {
        let old = ["calltest", "-v", "-v", "-l", "asyncari=debug", "-c", "x.cfg", "-C", "a.b=1", "run", "-l", "one"];
        let cli = Cli::try_parse_from(old).unwrap();
        assert_eq!((cli.common.verbose, cli.common.conf.len()), (2, 1));
        assert_eq!(cli.log_levels(), ["asyncari=debug"]);
        assert!(matches!(&cli.command, Command::Run(run) if run.list && run.names == ["one"]));
        let new = ["calltest", "run", "one", "-c", "x.cfg", "-C", "a.b=1", "-vv", "--log", "asyncari=debug"];
        let cli = Cli::try_parse_from(new).unwrap();
        assert_eq!(cli.common.cfg.as_deref(), Some("x.cfg".as_ref()));
        assert_eq!((cli.common.verbose, cli.log_levels()), (2, vec!["asyncari=debug"]));
    }
}
