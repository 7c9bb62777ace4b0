//! What is run in the matrix: one test of each mode, and for each failure of the network one that has to notice it.
//!
//! It is a configuration as users write it, so that the same text serves the runner in this process and the program in
//! one of its own. The calls are short: a cell of the matrix is one call, and there are thousands.

use std::sync::Arc;

use anyhow::Context as _;
use asterisk_lab::Ari;
use calltest_config::{Input, Source};
use calltest_core::plan::{CallTest, Plan};

use crate::configuration;

/// The sound that is played. The fake has to be told of it; a real server has it.
pub(crate) const SOUND: &str = "beep";

/// Links and tests. `out-…` links lead to a far end of that name, which the server has to have.
const TESTS: &str = r#"
links:
  fone1: {channel: 'Local/{number}@direct', number: fone1}
  trunk: {channel: 'Local/{number}@direct', number: trunk}
  lost: {channel: 'Local/{number}@far', number: lost}
  rings: {channel: Local/rings@far}
  answers: {channel: Local/answers@far}
  rejects: {channel: Local/rejects@far}
  rings-out: {channel: Local/rings-out@far}
  busy: {channel: Local/busy@far}
  silent: {channel: Local/silent@far}
  hangs-up: {channel: Local/hangs-up@far}
calls:
  ':default:': {timeout: 5, delay: {ring: 0.2, answer: 0.2}, dtmf: {len: 3}}
  dtmf: {mode: dtmf, src: fone1, dst: trunk}
  call: {mode: call, src: fone1, dst: trunk}
  audio:
    {mode: audio, src: fone1, dst: trunk, timeout: 10, audio: {src_out: beep, src_in: at-src, dst_out: beep, dst_in: at-dst}}
  ring: {mode: ring, src: rings}
  play: {mode: play, src: answers, answer_within: 3, audio: {src_out: beep}}
  fail: {mode: fail, src: rejects, ringtime: 3}
  timeout: {mode: timeout, src: rings-out, ringtime: 0.5}
  wait: {mode: wait, dst: trunk, check_callerid: no}
  answer: {mode: answer, dst: trunk, check_callerid: no, audio: {dst_out: beep}}
  record: {mode: record, dst: trunk, check_callerid: no, audio: {dst_in: heard}}

  no-ringing: {mode: ring, src: silent, timeout: 2}
  no-answer: {mode: play, src: rings, timeout: 2}
  busy: {mode: play, src: busy}
  busy-ring: {mode: ring, src: busy}
  hangs-up: {mode: play, src: hangs-up, delay: {answer: 1.5}}
  no-rejection: {mode: fail, src: rings, ringtime: 1.5}
  answered: {mode: fail, src: answers, ringtime: 2}
  too-soon: {mode: timeout, src: rejects, ringtime: 2}
  no-arrival: {mode: dtmf, src: lost, dst: trunk, number: silent, timeout: 2}
  elsewhere: {mode: call, src: lost, dst: trunk, number: rings, timeout: 2}
  nobody-calls: {mode: wait, dst: trunk, check_callerid: no, timeout: 2}
  caller-id: {mode: call, src: fone1, dst: trunk, timeout: 3}
  withheld: {mode: call, src: fone1, dst: trunk, timeout: 3}
  shown: {mode: call, src: fone1, dst: trunk, callerid: anonymous}
  not-diverted: {mode: call, src: fone1, dst: trunk, diverted_from: _+49!}
  digit-lost: {mode: dtmf, src: fone1, dst: trunk, timeout: 8}
  digit-changed: {mode: dtmf, src: fone1, dst: trunk}
  digit-added: {mode: dtmf, src: fone1, dst: trunk}
"#;

/// The configuration for a server at this address, with more of it appended or put in by `overrides`.
pub(crate) fn text(ari: &Ari) -> String {
    format!("asterisk: {}\n{TESTS}", configuration::server(ari))
}

/// The plan for a server at this address.
pub(crate) fn plan(ari: &Ari, overrides: &[String]) -> anyhow::Result<Arc<Plan>> {
    let source = Source::File { path: "faults.cfg".into(), text: text(ari) };
    let input = Input { source, overrides: overrides.to_vec(), is_lenient: false };
    let loaded = calltest_config::load(&input).context("the matrix's own configuration is bad")?;
    Ok(Arc::new(loaded.plan))
}

pub(crate) fn test(plan: &Plan, name: &str) -> anyhow::Result<Arc<CallTest>> {
    let test = plan.tests.iter().find(|test| test.name.as_str() == name);
    test.cloned().with_context(|| format!("the matrix has no test {name}"))
}
