//! Real Asterisk servers for the program to work on, and what their command line tells of calls.

use std::thread;
use std::time::{Duration, Instant};

use asterisk_lab::{Lab, Server, ServerOptions};

use crate::program::{LOOK_EVERY, Program};

/// Far ends that do one thing each, and a detour that hides the caller.
const DIALPLAN: &str = "\
[far]
exten => rings,1,Ringing()
 same => n,Wait(60)
exten => busy,1,Hangup(17)
[masked]
exten => _[a-z]!,1,Set(CALLERID(num)=999)
 same => n,Goto(direct,${EXTEN},1)
exten => h,1,NoOp()
";

/// Links to these far ends, and four that reach each other. Tests are as short as they can be.
pub(crate) const CONFIG: &str = "\
links:
  ':default:': {channel: 'Local/{number}@direct'}
  fone1: {number: fone1}
  trunk: {number: trunk}
  fone2: {number: fone2}
  trunk2: {number: trunk2}
  masked: {channel: 'Local/{number}@masked', number: '+4991112345'}
  rings: {channel: Local/rings@far}
  rings_too: {channel: Local/rings@far}
  busy: {channel: Local/busy@far}
  nowhere: {channel: PJSIP/1@nowhere}
calls:
  ':default:':
    delay: {ring: 0, answer: 0}
    dtmf: {len: 1}
    test: {skip: yes}
  good: {info: The far end rings, mode: ring, src: rings}
  digits: {info: Digits both ways, mode: dtmf, src: fone1, dst: trunk}
  busy: {info: The far end is busy, mode: ring, src: busy}
  caller: {info: Another caller, mode: dtmf, src: masked, dst: trunk}
  number: {info: Another number, mode: call, src: fone1, dst: trunk, number: fone2}
  nowhere: {info: No such endpoint, mode: ring, src: nowhere}
  slow: {info: A second of ringing, mode: ring, src: rings_too, delay: {ring: 1}}
  long: {info: A long call, mode: dtmf, src: fone1, dst: trunk, timeout: 60, delay: {answer: 50}}
  other: {info: Another on the same links, mode: dtmf, src: trunk, dst: fone1, timeout: 60, delay: {answer: 50}}
";

/// One server with those far ends.
pub(crate) fn server() -> Lab {
    server_with("")
}

/// One server with those far ends and this dialplan besides.
pub(crate) fn server_with(dialplan: &str) -> Lab {
    let options = ServerOptions::named("a").dialplan(format!("{DIALPLAN}{dialplan}"));
    Lab::builder(&asterisk_lab::for_tests()).server(options).start().unwrap()
}

/// The program with that configuration on that server, about to run these tests.
pub(crate) fn run<const N: usize>(lab: &Lab, args: [&str; N]) -> Program {
    Program::new().config(CONFIG).on(lab.server("a")).args(["run"]).args(args)
}

/// How many of a server's channels are up.
pub(crate) fn channels_up(server: &Server) -> usize {
    server.cli("core show channels concise").unwrap().lines().filter(|line| line.contains("!Up!")).count()
}

/// No channel is left. Asterisk takes a moment to tear down what has been hung up.
#[track_caller]
pub(crate) fn nothing_is_left(lab: &Lab) {
    let give_up = Instant::now() + Duration::from_secs(2);
    for server in lab.servers() {
        while server.open_channels().unwrap() > 0 {
            let left = || server.cli("core show channels concise").unwrap();
            assert!(Instant::now() < give_up, "left on {}:\n{}", server.name(), left());
            thread::sleep(LOOK_EVERY);
        }
    }
}
