//! The machine that figures come from, without which they mean nothing.

use std::fmt;
use std::fs;
use std::thread::available_parallelism;

use anyhow::Context as _;
use serde_json::{Value, json};

/// What figures depend on.
#[derive(Debug)]
pub(super) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    /// Load average of the last minute before the first measurement: what else it does.
    load: String,
    date: String,
}

impl Machine {
    pub(super) fn this() -> anyhow::Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo").context("could not read what processor this is")?;
        let field = |name: &str| {
            let line = processors.lines().find(|line| line.starts_with(name))?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        let version =
            ["cpu family", "model\t", "stepping"].map(|name| field(name).unwrap_or_else(|| "?".into())).join("/");
        let name = field("model name").unwrap_or_else(|| "unknown processor".into());
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Ok(Self {
            processor: format!("{name} (family/model/stepping {version})"),
            cores: available_parallelism()?.get(),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            date: jiff::Timestamp::now().strftime("%F").to_string(),
        })
    }

    pub(super) fn as_json(&self) -> Value {
        let Self { processor, cores, kernel, load, date } = self;
        json!({ "processor": processor, "cores": cores, "kernel": kernel, "load": load, "date": date })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, kernel, load, date } = self;
        write!(formatter, "{date}, {cores} cores, {processor}, Linux {kernel}, load {load} at the start")
    }
}
