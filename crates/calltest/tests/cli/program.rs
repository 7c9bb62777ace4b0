//! The program in a process of its own, with surroundings that hold nothing but what a test puts there.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use asterisk_lab::Server;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long the program may take unless a test says otherwise.
const LIMIT: Duration = Duration::from_secs(30);

/// How often something is looked at that is waited for.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The program about to be started.
pub(crate) struct Program {
    command: Command,
    home: TempDir,
    limit: Duration,
    stdout: Destination,
    stderr: Destination,
}

/// Where one of the program's outputs goes.
enum Destination {
    /// To the test.
    Kept,
    /// To a reader that goes away after so many lines.
    LeftAfter(usize),
    /// To whatever it is.
    Elsewhere(Stdio),
}

impl Program {
    /// The program in an empty home directory, with an environment that has only the search path.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_calltest"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", home.path())
            .env("TERM", "xterm");
        command.stdin(Stdio::null());
        Self { command, home, limit: LIMIT, stdout: Destination::Kept, stderr: Destination::Kept }
    }

    /// With these arguments, after those that there are.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// With this text as the configuration file.
    pub(crate) fn config(self, text: &str) -> Self {
        let path = self.file("calls.cfg", text);
        self.args([OsStr::new("-c"), path.as_os_str()])
    }

    /// With this value in the configuration.
    pub(crate) fn set(self, override_: impl AsRef<str>) -> Self {
        self.args(["-C", override_.as_ref()])
    }

    /// With this server as the configuration's first.
    pub(crate) fn on(self, server: &Server) -> Self {
        let ari = server.ari();
        self.set(format!("asterisk.host={}", ari.host))
            .set(format!("asterisk.port={}", ari.port))
            .set(format!("asterisk.username={}", ari.username))
            .set(format!("asterisk.password={}", ari.password))
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// With so much time to end.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// With a reader of stdout that goes away after so many lines.
    pub(crate) fn stdout_left_after(self, lines: usize) -> Self {
        Self { stdout: Destination::LeftAfter(lines), ..self }
    }

    /// With a reader of stderr that goes away after so many lines.
    pub(crate) fn stderr_left_after(self, lines: usize) -> Self {
        Self { stderr: Destination::LeftAfter(lines), ..self }
    }

    pub(crate) fn stdout_to(self, file: impl Into<Stdio>) -> Self {
        Self { stdout: Destination::Elsewhere(file.into()), ..self }
    }

    pub(crate) fn stderr_to(self, file: impl Into<Stdio>) -> Self {
        Self { stderr: Destination::Elsewhere(file.into()), ..self }
    }

    /// The home directory.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Puts a file into the home directory.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Done {
        self.start().finish()
    }

    pub(crate) fn start(mut self) -> Running {
        let (stdout, kept_stdout) = pipe(self.stdout);
        let (stderr, kept_stderr) = pipe(self.stderr);
        self.command.stdout(stdout).stderr(stderr);
        let started = Instant::now();
        let child = self.command.spawn().unwrap();
        // The command holds our copies of the writing ends: while they live, no reader sees an end.
        drop(self.command);
        Running { child, started, limit: self.limit, stdout: kept_stdout, stderr: kept_stderr, _home: self.home }
    }
}

/// What has come out of one of the program's outputs so far.
#[derive(Default)]
struct Kept {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// A pipe for the program to write to, and what is read from it.
fn pipe(destination: Destination) -> (Stdio, Kept) {
    let lines = match destination {
        Destination::Elsewhere(file) => return (file, Kept::default()),
        Destination::LeftAfter(lines) => Some(lines),
        Destination::Kept => None,
    };
    let (reader, writer) = io::pipe().unwrap();
    if lines == Some(0) {
        // It has left before the program begins.
        return (writer.into(), Kept::default());
    }
    let text = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&text);
    let reader = thread::spawn(move || match lines {
        Some(lines) => {
            for line in BufReader::new(reader).lines().take(lines) {
                sink.lock().unwrap().extend_from_slice(format!("{}\n", line.unwrap()).as_bytes());
            }
        }
        None => {
            let mut reader = reader;
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        }
    });
    (writer.into(), Kept { text, reader: Some(reader) })
}

impl Kept {
    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

/// The program while it runs. It is killed when a test gives up on it.
pub(crate) struct Running {
    child: Child,
    started: Instant,
    limit: Duration,
    stdout: Kept,
    stderr: Kept,
    _home: TempDir,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    #[track_caller]
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.must_run();
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until something is so while the program runs.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        while !is_so() {
            self.must_run();
            assert!(self.started.elapsed() < self.limit, "waited in vain until {what}\n{}", self.so_far());
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits until this text is on stdout.
    #[track_caller]
    pub(crate) fn wait_for_stdout(&mut self, text: &str) {
        let stdout = Arc::clone(&self.stdout.text);
        self.wait_until(&format!("stdout has {text:?}"), || {
            String::from_utf8_lossy(&stdout.lock().unwrap()).contains(text)
        });
    }

    /// Waits until this text is on stderr.
    #[track_caller]
    pub(crate) fn wait_for_stderr(&mut self, text: &str) {
        let stderr = Arc::clone(&self.stderr.text);
        self.wait_until(&format!("stderr has {text:?}"), || {
            String::from_utf8_lossy(&stderr.lock().unwrap()).contains(text)
        });
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Done {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(self.started.elapsed() < self.limit, "still running after {:?}\n{}", self.limit, self.so_far());
            thread::sleep(LOOK_EVERY / 4);
        };
        let took = self.started.elapsed();
        Done { stdout: self.stdout.whole(), stderr: self.stderr.whole(), status, took }
    }

    #[track_caller]
    fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("ended too early: {status}\n{}", self.so_far());
        }
    }

    fn so_far(&self) -> String {
        format!("--- stdout\n{}--- stderr\n{}", self.stdout.so_far(), self.stderr.so_far())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

/// What came of a run of the program.
pub(crate) struct Done {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: ExitStatus,
    pub(crate) took: Duration,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {:?}\n--- stdout\n{}--- stderr\n{}", self.status, self.took, self.stdout, self.stderr)
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert!(self.status.code() == Some(code), "expected exit code {code}, got {self}");
        self
    }

    /// This is all it has to say on stderr.
    #[track_caller]
    pub(crate) fn complains(self, stderr: &str) -> Self {
        assert!(self.stderr == stderr, "expected on stderr {stderr:?}, got {self}");
        self
    }

    /// This is among the lines on stdout.
    #[track_caller]
    pub(crate) fn prints(self, part: &str) -> Self {
        assert!(self.stdout.contains(part), "expected on stdout {part:?}, got {self}");
        self
    }

    /// The one sentence on stderr.
    #[track_caller]
    pub(crate) fn sentence(&self) -> &str {
        let line = self.stderr.strip_prefix("calltest: ").and_then(|rest| rest.strip_suffix('\n'));
        let sentence = line.filter(|line| !line.contains('\n') && !line.is_empty());
        sentence.unwrap_or_else(|| panic!("expected one sentence on stderr, got {self}"))
    }
}
