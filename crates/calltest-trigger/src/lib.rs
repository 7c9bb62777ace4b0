//! What causes the call that a test waits for: fetching a URL, or running a program.
//!
//! A trigger runs beside the wait for the call, since it may well last as long as the call does. Its outcome is a sentence;
//! whether that makes the run an error is left to the call.

mod authorities;
mod fetch;
mod program;
mod request;
mod sent;

use calltest_core::plan::{DialString, Trigger};
use tokio::task::JoinHandle;

use self::fetch::fetch;
use self::program::execute;
use self::request::Request;
use self::sent::Sent;

/// A trigger under way. Dropping it ends the request, and the program with all that it started.
pub struct Running {
    what: String,
    task: JoinHandle<Outcome>,
}

/// How a trigger came out: what came of it, or why it failed.
pub type Outcome = Result<String, String>;

impl Running {
    /// Sets a trigger off. `number` is filled in wherever the trigger asks for it.
    ///
    /// # Errors
    /// If no request can be made of the trigger, since its URL or a header cannot be read.
    pub fn start(trigger: &Trigger, number: Option<&str>) -> Result<Self, String> {
        let number = number.unwrap_or_default();
        match trigger {
            Trigger::Url(url) => {
                let request = Request::new(url, number)?;
                let what = request.what();
                Ok(Self { what, task: tokio::spawn(fetch(request, Sent::with_number(number))) })
            }
            Trigger::Exec { command } => {
                let command: Vec<String> =
                    command.iter().map(|word| word.replace(DialString::NUMBER, number)).collect();
                let what = format!("`{}`", command.first().map(String::as_str).unwrap_or_default());
                let task = tokio::spawn(execute(what.clone(), command, Sent::with_number(number)));
                Ok(Self { what, task })
            }
        }
    }

    /// What is being done, without anything that might be secret.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Waits for its end. Nothing is lost if the wait is given up.
    pub async fn outcome(&mut self) -> Outcome {
        match (&mut self.task).await {
            Ok(outcome) => outcome,
            Err(error) => Err(format!("{}: {error}", self.what)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_trigger_that_is_dropped_takes_its_program_along() {
        let folder = tempfile::tempdir().unwrap();
        let ended = folder.path().join("ended");
        let file = ended.to_str().unwrap();
        let script = format!("sh -c 'sleep 1; touch {file}' & touch {file}.started; wait");
        let trigger = Trigger::Exec { command: ["sh", "-c", &script].map(Into::into).into() };
        let running = Running::start(&trigger, None).unwrap();
        let started = std::path::PathBuf::from(format!("{file}.started"));
        timeout(Duration::from_secs(10), async {
            while !started.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the program starts");
        drop(running);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!ended.exists(), "the program's own child went on");
    }
}
