//! Calls over every kind of trunk, in both languages of the dialplan.

use asterisk_lab::{DialplanLanguage, DtmfMode, Lab, Server, ServerOptions, Trunk};

use crate::eventually::eventually;
use crate::sockets::Listening;

/// On the calling side: `Local/NUMBER@call-LINK` calls the number over the link and logs what came of it.
fn caller(links: &[&str]) -> String {
    let contexts = links.iter().map(|link| {
        format!(
            "[call-{link}]\n\
             exten => _[+0-9].,1,Dial(PJSIP/${{EXTEN}}@{link},20)\n \
             same => n,Verbose(0,{link}: ${{DIALSTATUS}} ${{HANGUPCAUSE}})\n"
        )
    });
    contexts.collect()
}

/// Calls a number over a trunk and waits until the far server has handed the call to the app, which nobody serves, so
/// that the caller is told "congestion" (34).
fn check_call(from: &Server, link: &str, to: &Server, far_link: &str, number: &str) {
    from.cli(&format!("channel originate Local/{number}@call-{link} application Wait 1")).unwrap();
    let handed_over = format!("\"calltest,{far_link},{number}\"");
    eventually(&handed_over, || to.log().unwrap().contains(&handed_over));
    let outcome = format!("{link}: CONGESTION 34");
    eventually(&outcome, || from.log().unwrap().contains(&outcome));
}

#[test]
fn every_kind_of_trunk_carries_calls_both_ways() {
    let links = ["plain", "digest", "register"];
    let caller = caller(&links);
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").dialplan(&caller))
        .server(ServerOptions::named("b").dialplan(&caller).dialplan_language(DialplanLanguage::ExtensionsConf))
        .trunk(Trunk::between("a", "b").named("plain"))
        .trunk(Trunk::between("a", "b").named("digest").with_digest())
        .trunk(Trunk::between("a", "b").named("register").registered())
        .start()
        .unwrap();
    let (a, b) = (lab.server("a"), lab.server("b"));
    for link in links {
        check_call(a, link, b, link, "4711");
        check_call(b, link, a, link, "4712");
    }
    for server in [a, b] {
        assert_eq!(server.open_channels().unwrap(), 0);
    }
}

#[test]
fn either_end_of_a_digest_trunk_asks_the_other_for_its_password() {
    let caller = caller(&["digest"]);
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").dialplan(&caller))
        .server(ServerOptions::named("b").dialplan(&caller))
        .trunk(Trunk::between("a", "b").named("digest").with_digest())
        .start()
        .unwrap();
    let (a, b) = (lab.server("a"), lab.server("b"));
    for (from, to) in [(a, b), (b, a)] {
        from.cli("pjsip set logger on").unwrap();
        check_call(from, "digest", to, "digest", "4711");
        let log = from.log().unwrap();
        for message in ["SIP/2.0 401 Unauthorized", "Authorization: Digest username=\"lab\""] {
            assert!(log.contains(message), "{} saw no {message}", from.name());
        }
        from.cli("pjsip set logger off").unwrap();
    }
}

#[test]
fn a_trunk_may_have_another_name_on_each_side_and_lead_back_to_its_own_server() {
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").dialplan(caller(&["out"])))
        .trunk(Trunk::between("a", "a").links("out", "in"))
        .start()
        .unwrap();
    let a = lab.server("a");
    assert_eq!(a.dial_string("out"), "PJSIP/{number}@out");
    check_call(a, "out", a, "in", "+4989123456");
}

#[test]
fn digits_cross_the_trunk_in_every_mode_and_all_media_stays_on_loopback() {
    let modes = [("events", DtmfMode::Rfc4733), ("tones", DtmfMode::Inband), ("messages", DtmfMode::Info)];
    // An extension of its own in a trunk's context is found before the trunk's patterns.
    let listen = modes.map(|(link, _)| {
        format!("[from-{link}]\nexten => 77,1,Answer()\n same => n,Read(heard,,6,,,10)\n same => n,Verbose(0,{link}: ${{heard}})\n")
    });
    let send = "[send]\nexten => s,1,Wait(0.5)\n same => n,SendDTMF(112338,100,100)\n same => n,Wait(2)\n";
    let builder = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").dialplan(send))
        .server(ServerOptions::named("b").dialplan(listen.concat()));
    let with_trunks = modes
        .into_iter()
        .fold(builder, |builder, (link, mode)| builder.trunk(Trunk::between("a", "b").named(link).dtmf_mode(mode)));
    let lab = with_trunks.start().unwrap();
    let (a, b) = (lab.server("a"), lab.server("b"));
    for (link, _) in modes {
        a.cli(&format!("channel originate PJSIP/77@{link} extension s@send")).unwrap();
    }
    eventually("three calls", || b.open_channels().unwrap() == modes.len());
    for server in [a, b] {
        check_sockets(server, modes.len());
    }
    for (link, _) in modes {
        let heard = format!("{link}: 112338\n");
        eventually(&heard, || b.log().unwrap().contains(&heard));
    }
}

/// What a server with that many calls listens on.
fn check_sockets(server: &Server, calls: usize) {
    let listening = Listening::of(server.process_id().unwrap());
    let own = std::net::IpAddr::V4(server.ari().host);
    assert!(listening.tcp.iter().all(|address| address.ip() == own), "{listening:?}");
    let media = listening.udp.iter().filter(|address| (10000..=20000).contains(&address.port()));
    let media: Vec<_> = media.collect();
    // RTP and RTCP.
    assert!(media.len() >= 2 * calls && media.iter().all(|address| address.ip() == own), "{listening:?}");
    // PJSIP asks DNS servers from ports that the system gives it; those are all there may be elsewhere.
    let elsewhere: Vec<_> = listening.udp.iter().filter(|address| address.ip() != own).collect();
    assert!(elsewhere.len() <= 2 && elsewhere.iter().all(|address| address.port() >= 32768), "{elsewhere:?}");
}

#[test]
fn the_examples_endpoints_work_in_both_languages() {
    for language in [DialplanLanguage::Ael, DialplanLanguage::ExtensionsConf] {
        let lab = Lab::builder(&asterisk_lab::for_tests())
            .server(ServerOptions::named("a").dialplan_language(language).app("tester"))
            .start()
            .unwrap();
        let a = lab.server("a");
        a.cli("channel originate Local/fone1@direct application Wait 1").unwrap();
        eventually("the link's name arrives", || a.log().unwrap().contains("\"tester,fone1,\""));
        for (extension, step) in [("answer", "Answer"), ("ringing", "Ringing"), ("progress", "Progress")] {
            let shown = a.cli(&format!("dialplan show {extension}@direct")).unwrap();
            assert!(shown.contains(&format!("{step}(")), "{language:?}: {shown}");
        }
    }
}
