//! The command line. The words of calltest 0.7 keep working; `--help` teaches the rest.

use std::ffi::OsString;
use std::path::PathBuf;

use asterisk_setup::ConfFile;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
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

/// Options that every command which reads a configuration takes, before its name or after.
///
/// They are no global arguments of clap's: of those, what stands after the command would replace what stands before it.
#[derive(Debug, Default, Args)]
pub(crate) struct Common {
    /// The configuration file; `-` for the built-in defaults alone [default: /etc/voice/calltest.cfg, /etc/calltest.cfg, or
    /// calltest/calltest.cfg in your configuration directory]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) cfg: Option<PathBuf>,
    /// Sets one value of the configuration, as in `-C asterisk.port=8089`; without `=` it is removed. Repeatable
    #[arg(short = 'C', long, value_name = "KEY[=VALUE]", action = ArgAction::Append)]
    pub(crate) conf: Vec<String>,
    /// Takes unknown keys of the configuration as warnings, for files that calltest 0.7 took
    #[arg(long)]
    pub(crate) lenient: bool,
    /// Tells more: once for warnings and each call's timeline, twice for progress, three times for debugging
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Tells only what went wrong
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

/// Log levels, under the short name that `run` has for something else.
#[derive(Debug, Default, Args)]
pub(crate) struct LogLevels {
    /// Sets the log level of a part of the program, as in `-l calltest_ari=debug`. Repeatable
    #[arg(short, long = "log", value_name = "TARGET=LEVEL", action = ArgAction::Append)]
    pub(crate) levels: Vec<String>,
}

/// The options that may stand before the command, once more after it.
#[derive(Debug, Default, Args)]
pub(crate) struct TrailingOptions {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    log: LogLevels,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs tests once, and exits with 0 if all of them passed
    Run(Run),
    /// Runs all tests on their schedule, and answers over HTTP how they fare
    Server(Server),
    /// Prints the configuration as it takes effect, defaults filled in
    Dumpcfg(Dumpcfg),
    /// Looks at the Asterisk set-up, and tells what is wrong and how to fix it
    Doctor(Doctor),
    /// Prints what to put into Asterisk's files
    AsteriskConfig(AsteriskConfig),
    /// Tells what becomes of a number that is dialled over a link, and whether it may be
    Number(Number),
    /// Starts two private Asterisk servers and runs the example tests on them
    Demo(Demo),
    /// Prints the JSON Schema of the configuration, for editors
    Schema,
    /// Prints a completion script for a shell
    Completions(Completions),
    /// Prints the manual page, or writes a page for each command
    Man(Man),
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
    #[command(flatten)]
    pub(crate) late: Common,
}

/// How finished runs are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// One line each, for people
    #[default]
    Text,
    /// One JSON object each, on a line of its own, with everything that is known
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Takes the Stasis app over, even from a calltest that is running
    #[arg(long)]
    pub(crate) take_over: bool,
    #[command(flatten)]
    pub(crate) late: TrailingOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Dumpcfg {
    /// Prints passwords instead of `***`
    #[arg(long)]
    pub(crate) show_secrets: bool,
    #[command(flatten)]
    pub(crate) late: TrailingOptions,
}

#[derive(Debug, Args)]
#[command(
    after_help = "It makes no call that leaves a server, takes no app away from a calltest that is running, and leaves nothing \
                        behind.\nExit codes: 0 nothing is wrong, 1 something is, 2 wrong usage or configuration, 3 something could \
                        not be found out, 130 interrupted."
)]
pub(crate) struct Doctor {
    /// How to print findings
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) late: TrailingOptions,
}

#[derive(Debug, Args)]
pub(crate) struct AsteriskConfig {
    /// The one file to print, so that it can be redirected; none for all of them
    #[arg(value_name = "FILE", value_parser = PossibleValuesParser::new(ConfFile::ALL.map(ConfFile::name)))]
    pub(crate) file: Option<String>,
    /// The server, if the configuration has several
    #[arg(long, value_name = "NAME")]
    pub(crate) server: Option<String>,
    /// The language of the dialplan: extensions.ael or extensions.conf [default: ael]
    #[arg(long, value_enum)]
    pub(crate) dialplan: Option<DialplanChoice>,
    /// How digits travel on SIP trunks
    #[arg(long, value_enum, default_value_t)]
    pub(crate) dtmf: DtmfChoice,
    /// Prints the password for ari.conf too
    #[arg(long)]
    pub(crate) show_secrets: bool,
    #[command(flatten)]
    pub(crate) late: TrailingOptions,
}

/// The languages of the dialplan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum DialplanChoice {
    /// extensions.ael
    #[default]
    Ael,
    /// extensions.conf
    Conf,
}

/// How digits travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum DtmfChoice {
    /// As RTP events
    #[default]
    Rfc4733,
    /// As tones, which need `transmit_silence` in asterisk.conf
    Inband,
    /// As SIP INFO
    Info,
}

/// It makes no call. Exit codes: 0 the call would go out, 1 it would be refused by a rule or the guard, 2 there is no such
/// link, or something is wrong with the configuration
#[derive(Debug, Args)]
pub(crate) struct Number {
    /// The link
    #[arg(value_name = "LINK")]
    pub(crate) link: String,
    /// The number, as a test would have it
    #[arg(value_name = "NUMBER")]
    pub(crate) number: String,
    #[command(flatten)]
    pub(crate) late: TrailingOptions,
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
    pub(crate) late: TrailingOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Writes a page for each command into this folder, and one for the program, instead of printing the latter
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

impl Cli {
    /// Reads the command line; what stands before and after the command becomes one.
    ///
    /// # Errors
    /// If the user is to be told something else: what is wrong, or the help that was asked for.
    pub(crate) fn read(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let mut cli = Self::try_parse_from(args)?;
        let late = match &mut cli.command {
            Command::Run(run) => {
                let log = LogLevels { levels: std::mem::take(&mut run.late_levels) };
                TrailingOptions { common: std::mem::take(&mut run.late), log }
            }
            Command::Server(server) => std::mem::take(&mut server.late),
            Command::Dumpcfg(dump) => std::mem::take(&mut dump.late),
            Command::Demo(demo) => std::mem::take(&mut demo.late),
            Command::Number(number) => std::mem::take(&mut number.late),
            Command::Doctor(doctor) => std::mem::take(&mut doctor.late),
            Command::AsteriskConfig(wanted) => std::mem::take(&mut wanted.late),
            Command::Schema | Command::Completions(_) | Command::Man(_) => TrailingOptions::default(),
        };
        cli.common.add(late.common);
        cli.log.levels.extend(late.log.levels);
        if cli.common.quiet && cli.common.verbose > 0 {
            let message = "the argument '--quiet' cannot be used with '--verbose...'";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

impl Common {
    /// Takes in what stands further right.
    fn add(&mut self, late: Self) {
        self.cfg = late.cfg.or(self.cfg.take());
        self.conf.extend(late.conf);
        self.lenient |= late.lenient;
        self.verbose = self.verbose.saturating_add(late.verbose);
        self.quiet |= late.quiet;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_words_of_calltest_0_7_work_before_and_after_the_command() {
        let old = ["calltest", "-v", "-v", "-l", "asyncari=debug", "-c", "x.cfg", "-C", "a.b=1", "run", "-l", "one"];
        let cli = Cli::read(old).unwrap();
        assert_eq!((cli.common.verbose, cli.common.conf.len()), (2, 1));
        assert_eq!(cli.log.levels, ["asyncari=debug"]);
        assert!(matches!(&cli.command, Command::Run(run) if run.list && run.names == ["one"]));
        let new = ["calltest", "run", "one", "-c", "x.cfg", "-C", "a.b=1", "-vv", "--log", "asyncari=debug"];
        let cli = Cli::read(new).unwrap();
        assert_eq!(cli.common.cfg.as_deref(), Some("x.cfg".as_ref()));
        assert_eq!((cli.common.verbose, &*cli.log.levels), (2, &["asyncari=debug".to_owned()][..]));
    }

    #[test]
    fn what_stands_before_and_after_the_command_adds_up() {
        let both = ["calltest", "-c", "a", "-C", "a=1", "-v", "run", "-c", "b", "-C", "b=2", "-v", "--lenient"];
        let cli = Cli::read(both).unwrap();
        assert_eq!((cli.common.cfg.as_deref(), cli.common.verbose), (Some("b".as_ref()), 2));
        assert_eq!((&*cli.common.conf, cli.common.lenient), (&["a=1".to_owned(), "b=2".to_owned()][..], true));
        for torn in [["calltest", "-q", "run", "-v"], ["calltest", "-v", "run", "-q"], ["calltest", "run", "-q", "-v"]]
        {
            assert_eq!(Cli::read(torn).unwrap_err().kind(), ErrorKind::ArgumentConflict);
        }
    }
}
