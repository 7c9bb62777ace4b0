//! Running a program so that a call comes, and what becomes of it.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::sent::{MAX_KEPT, MAX_QUOTED, Sent, quoted};

/// How long the complaints of a program that has ended may take to come through its pipe.
const DRAIN: Duration = Duration::from_millis(200);

/// Runs a program, and says how it ended.
pub(super) async fn execute(what: String, command: Vec<String>, mut sent: Sent) -> Result<String, String> {
    let Some((program, arguments)) = command.split_first() else { return Err("there is no program to run".into()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("could not run {what}: {error}"))?;
    let group = Group::of(&child);
    let (status, complaints) = watch(&mut child).await.map_err(|error| format!("{what}: {error}"))?;
    // What it left running on purpose, such as a phone that holds the call, goes on.
    group.let_be();
    if status.success() {
        return Ok(format!("{what} ended with {status}"));
    }
    sent.arguments(arguments);
    let said = sent.blotted(&complaints, complaints.len() == MAX_KEPT);
    let said: String = said.chars().skip(said.chars().count().saturating_sub(MAX_QUOTED)).collect();
    Err(format!("{what} ended with {status}{}", quoted(&said)))
}

/// Waits for the end of a program, and keeps the end of what it said on stderr.
async fn watch(child: &mut Child) -> std::io::Result<(std::process::ExitStatus, Vec<u8>)> {
    let mut stderr = child.stderr.take().expect("stderr was asked for");
    let mut tail = Vec::new();
    let mut buffer = [0; 4096];
    let status = loop {
        tokio::select! {
            read = stderr.read(&mut buffer) => match read? {
                0 => break child.wait().await?,
                read => keep_tail(&mut tail, &buffer[..read]),
            },
            status = child.wait() => break status?,
        }
    };
    // Something it started may hold the pipe open for ever.
    let rest = async {
        while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
            keep_tail(&mut tail, &buffer[..read]);
        }
    };
    // Whether all of it came in time does not matter: it only explains.
    let _ = timeout(DRAIN, rest).await;
    Ok((status, tail))
}

fn keep_tail(tail: &mut Vec<u8>, new: &[u8]) {
    tail.extend_from_slice(new);
    tail.drain(..tail.len().saturating_sub(MAX_KEPT));
}

/// The processes of a program, killed when this is dropped before the program has ended.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }

    fn let_be(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It fails only if nothing of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_repeats_its_arguments_is_quoted_without_its_secrets() {
        let script = "echo curl: '(22)' \"$0\" \"$1\" >&2; exit 22".to_owned();
        let arguments = ["Authorization: Bearer abcdef", "http://pbx/dial?token=s3cr3t"].map(String::from);
        let command = ["sh".to_owned(), "-c".to_owned(), script].into_iter().chain(arguments).collect();
        let said = execute("`sh`".into(), command, Sent::default()).await.unwrap_err();
        assert_eq!(said, "`sh` ended with exit status: 22: curl: (22) Authorization: *** http://pbx/dial?***");
    }

    #[tokio::test]
    async fn a_program_tells_how_it_ended() {
        let run = |script: &str| execute("`sh`".into(), ["sh", "-c", script].map(Into::into).into(), Sent::default());
        assert_eq!(run("exit 0").await, Ok("`sh` ended with exit status: 0".into()));
        let complaint = "`sh` ended with exit status: 7: no such line".to_owned();
        assert_eq!(run("echo 'no such\nline' >&2; exit 7").await, Err(complaint));
        let long = run("yes complaint | head -c 100000 >&2; echo the end >&2; exit 1").await.unwrap_err();
        assert!(long.len() < MAX_QUOTED + 100 && long.ends_with("the end"), "{long}");
        let missing = execute("`nobody`".into(), vec!["/no/such/program".into()], Sent::default()).await.unwrap_err();
        assert!(missing.starts_with("could not run `nobody`: No such file"), "{missing}");
    }
}
