//! The lines of the soak: each has one test over it, a far end in a server's dialplan, and ways in which it can be broken.
//!
//! A line is broken by a global variable of the server on which its calls arrive: it names the context that takes the call
//! in place of the right one. So it is known from when till when, and no other line is touched.

use std::fmt::Write as _;
use std::net::SocketAddr;

use asterisk_lab::{Ari, Server};

use crate::configuration::server_at;
use crate::network::{extension, far_end, masked};

/// The servers, as the lab and the configuration call them.
pub(super) const SERVERS: [&str; 2] = ["a", "b"];

/// The value of a line's variable while it is well.
pub(super) const WELL: &str = "well";

/// A line, and the test over it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Its name, which is also that of its test.
    pub(super) name: String,
    pub(super) mode: &'static str,
    /// The servers that its calls touch.
    pub(super) servers: Vec<&'static str>,
    /// The server on which it is broken.
    pub(super) switch: &'static str,
    /// What its variable is called there.
    pub(super) variable: String,
    /// The contexts that break it: with each of them every run over it has to fail.
    pub(super) faults: &'static [&'static str],
    links: String,
    call: String,
}

/// What breaks a line of which both ends are ours.
const BOTH_ENDS: &[&str] = &["busy", "silent", "answers", "masked", "extra", "deaf"];
/// The same for a call in which no digits are sent.
const NO_DIGITS: &[&str] = &["busy", "silent", "answers", "masked"];

/// All lines: some in each mode, and as many more in the modes `dtmf` and `ring` as make `tests`.
pub(super) fn lines(tests: usize, servers: &[&Server]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (here, there) in [("a", "b"), ("b", "a")] {
        lines.extend((0..2).map(|number| across(&format!("trunk{number}"), "dtmf", here, there, BOTH_ENDS, "")));
        lines.push(across("trunk2", "call", here, there, NO_DIGITS, ""));
        let sounds = ", audio: {src_out: beep, src_in: heard_by_caller, dst_out: beep, dst_in: heard_by_callee}";
        lines.push(across("trunk3", "audio", here, there, NO_DIGITS, sounds));
        lines.push(local("voices", "audio", here, NO_DIGITS, sounds));
        lines.push(local("knock", "call", here, NO_DIGITS, ""));
        let plays = ", audio: {src_out: beep, src_in: greeting}";
        lines.push(far("greets", "play", here, &["busy", "rings", "hangs-up"], plays));
        lines.push(far("rejects", "fail", here, &["answers", "rings"], ", ringtime: 2"));
        lines.push(far("gives_up", "timeout", here, &["busy", "answers"], ", ringtime: 1, timeout: 4"));
        let ari = servers.iter().find(|server| server.name() == here).map(|server| server.ari());
        if let Some(ari) = ari {
            lines.push(called("summoned", "answer", here, &by_url(ari, here)));
            lines.push(called("rung", "wait", here, &by_program(ari, here)));
        }
    }
    for number in 0.. {
        if lines.len() >= tests {
            break;
        }
        let server = SERVERS[number % 2];
        lines.push(match number % 3 {
            0 => far(&format!("rings{number:04}"), "ring", server, &["busy", "silent"], ""),
            _ => local(&format!("digits{number:04}"), "dtmf", server, BOTH_ENDS, ""),
        });
    }
    lines.truncate(tests.max(1));
    lines
}

/// From one server to the other over the trunk.
fn across(
    name: &str,
    mode: &'static str,
    here: &'static str,
    there: &'static str,
    faults: &'static [&'static str],
    keys: &str,
) -> Line {
    let name = format!("{here}_{name}");
    // Numbers of Germany and France, the same length everywhere, so that none is the end of another.
    let digits = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 1_000_000);
    let (from, to) = (format!("4930{digits:06}"), format!("3310{digits:06}"));
    let link = |side: &str, server: &str, number: &str| {
        format!(
            "  {name}_{side}: {{server: {}, channel: 'PJSIP/{{number}}@trunk', number: '+{number}', arrives_as: trunk}}\n",
            in_configuration(server)
        )
    };
    Line {
        links: link("src", here, &from) + &link("dst", there, &to),
        call: format!("src: {name}_src, dst: {name}_dst{keys}"),
        servers: vec![here, there],
        switch: there,
        // Context `net` is entered with an `n` in place of the `+`.
        variable: format!("FAULT_n{to}"),
        name,
        mode,
        faults,
    }
}

/// Within a server, both ends ours.
fn local(name: &str, mode: &'static str, server: &'static str, faults: &'static [&'static str], keys: &str) -> Line {
    let name = format!("{server}_{name}");
    let at = in_configuration(server);
    Line {
        links: format!(
            "  s_{name}: {{server: {at}, channel: 'Local/{{number}}@net', number: s_{name}}}\n  \
             d_{name}: {{server: {at}, number: d_{name}}}\n"
        ),
        call: format!("src: s_{name}, dst: d_{name}{keys}"),
        servers: vec![server],
        switch: server,
        variable: format!("FAULT_d_{name}"),
        name,
        mode,
        faults,
    }
}

/// Within a server, to a far end of the dialplan that does what the mode wants.
fn far(name: &str, mode: &'static str, server: &'static str, faults: &'static [&'static str], keys: &str) -> Line {
    let name = format!("{server}_{name}");
    Line {
        links: format!("  {name}: {{server: {}, channel: Local/{name}@far-{mode}}}\n", in_configuration(server)),
        call: format!("src: {name}{keys}"),
        servers: vec![server],
        switch: server,
        variable: format!("FAULT_{name}"),
        name,
        mode,
        faults,
    }
}

/// Called by somebody whom the test causes to call.
fn called(name: &str, mode: &'static str, server: &'static str, trigger: &str) -> Line {
    let name = format!("{server}_{name}");
    let at = in_configuration(server);
    Line {
        links: format!(
            "  s_{name}: {{server: {at}, number: caller_of_{server}}}\n  d_{name}: {{server: {at}, number: d_{name}}}\n"
        ),
        call: format!("src: s_{name}, dst: d_{name}, {trigger}"),
        servers: vec![server],
        switch: server,
        variable: format!("FAULT_d_{name}"),
        name,
        mode,
        // One that leads nowhere would leave the caller's channel up, which nobody hangs up.
        faults: &["busy", "masked"],
    }
}

/// Asterisk itself is asked over HTTP to call.
fn by_url(ari: &Ari, server: &str) -> String {
    format!(
        "url: {{url: 'http://{}:{}/ari/channels', method: POST, query: {{endpoint: 'Local/{{number}}@net', \
         callerId: '<caller_of_{server}>', extension: stays, context: callers, formats: slin, api_key: '{}:{}'}}}}",
        ari.host, ari.port, ari.username, ari.password
    )
}

/// The same by a program.
fn by_program(ari: &Ari, server: &str) -> String {
    let query = format!(
        "endpoint=Local/$1@net&callerId=%3Ccaller_of_{server}%3E&extension=stays&context=callers&formats=slin&api_key={}:{}",
        ari.username, ari.password
    );
    let script = format!(
        "exec 3<>/dev/tcp/{}/{} && printf \"POST /ari/channels?%s HTTP/1.0\\r\\n\\r\\n\" \"{query}\" >&3 && grep -q \" 200 \" <&3",
        ari.host, ari.port
    );
    // Within single quotes YAML takes everything as it is.
    format!("exec: [bash, '-c', '{script}', trigger, '{{number}}']")
}

/// What the configuration calls a server: its first one has no name of its own.
fn in_configuration(server: &str) -> &str {
    if server == SERVERS[0] { "asterisk" } else { server }
}

/// The daemon's configuration. `addresses` are where the servers' ARI is to be reached, in the order of [`SERVERS`].
pub(super) fn configuration(lines: &[Line], ari: &Ari, addresses: &[SocketAddr], pause: f64) -> String {
    let server = |address: &SocketAddr| server_at(*address, &ari.username, &ari.password);
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (index, address) in addresses.iter().enumerate() {
        let _ = match index {
            0 => write!(text, "asterisk: {}\nservers:\n", server(address)),
            _ => writeln!(text, "  {}: {}", SERVERS[index], server(address)),
        };
    }
    text.push_str("links:\n");
    lines.iter().for_each(|line| text.push_str(&line.links));
    let _ = write!(
        text,
        "calls:\n  ':default:':\n    timeout: 8\n    delay: {{ring: 0.5, answer: 0.5}}\n    dtmf: {{len: 3}}\n    \
         test: {{repeat: {pause}, retry: {pause}}}\n"
    );
    for Line { name, mode, call, .. } in lines {
        let _ = writeln!(text, "  {name}: {{mode: {mode}, {call}}}");
    }
    text
}

/// What the far end of a test does while its line is well, by the context in which it is.
const WELL_ENDS: [(&str, &[&str]); 5] = [
    ("net", &["Goto(hand-over,${EXTEN},1)"]),
    ("far-ring", &["Ringing()", "Wait(30)"]),
    ("far-play", &["Answer()", "Wait(30)"]),
    ("far-fail", &["Wait(0.3)", "Hangup(21)"]),
    ("far-timeout", &["Ringing()", "Wait(2)", "Hangup(17)"]),
];

/// The network in both servers' dialplan: far ends that are well, and a context for each fault, which takes their place.
pub(super) fn dialplan() -> String {
    let mut text = String::from(NETWORK);
    // Writing to a String cannot fail.
    for (context, steps) in WELL_ENDS {
        let is_well = format!("$[\"${{FAULT_${{EXTEN}}}}\" = \"\" | \"${{FAULT_${{EXTEN}}}}\" = \"{WELL}\"]");
        let switch = [&*format!("GotoIf({is_well}?go-on)"), "Goto(${FAULT_${EXTEN}},${EXTEN},1)"];
        let _ = write!(text, "[{context}]\n{}", extension(NUMBERS, &switch));
        let _ = writeln!(text, " same => n(go-on),{}", steps.join("\n same => n,"));
    }
    for fault in ["busy", "silent", "rings", "hangs-up", "answers"] {
        let _ = write!(text, "[{fault}]\n{}", far_end(fault).extension(NUMBERS));
    }
    text + "[masked]\n" + &masked("hand-over")
}

/// The digits that get lost on a line that is `deaf`, each by a feature of the bridge that swallows it.
pub(super) fn features() -> String {
    let mut text = String::from("[general]\n[applicationmap]\n");
    for digit in 0..10 {
        let _ = writeln!(text, "lost{digit} => {digit},self,NoOp");
    }
    text
}

/// The numbers of all lines.
const NUMBERS: &str = "_[a-z].";

/// Where calls come from the trunk, how they get to calltest, and the faults that are the soak's own.
const NETWORK: &str = "\
[from-trunk]
exten => _+X.,1,Goto(net,n${EXTEN:1},1)
[hand-over]
exten => _[n]X.,1,Stasis(calltest,trunk,+${EXTEN:1})
 same => n,ExecIf($[\"${STASISSTATUS}\" = \"FAILED\"]?Hangup(34))
 same => n,Hangup()
exten => _[d]_.,1,Goto(direct,${EXTEN},1)
[callers]
exten => stays,1,Wait(30)
[extra]
exten => _[a-z].,1,Dial(Local/${EXTEN}@hand-over,60,D(55))
[deaf]
exten => _[a-z].,1,Set(__DYNAMIC_FEATURES=lost0#lost1#lost2#lost3#lost4#lost5#lost6#lost7#lost8#lost9)
 same => n,Dial(Local/${EXTEN}@hand-over,60)
";
