//! Behind an attendant: digits are dialled on with once something has answered.

use std::time::Duration;

use calltest_core::plan::{CallTest, PostDial, Route};

use crate::scene::{Scene, dtmf, ends, passes};
use crate::{address, nothing_is_left, one_server};

/// It wants `12#` before it connects.
const ATTENDANT: &str = "\
[attendant]
exten => 7011,1,Answer()
 same => n,Read(code,,4,,1,5)
 same => n,GotoIf($[\"${code}\" = \"12\"]?:wrong)
 same => n,Dial(Local/trunk@direct,30)
 same => n(wrong),Hangup(21)
";

fn dialling_on(mut test: CallTest, post_dial: &str) -> CallTest {
    let digits = PostDial::parse(post_dial).unwrap();
    let Route::Both { parties, .. } = &mut test.route else { panic!("both ends are ours") };
    parties.post_dial = digits;
    test.timeout = Duration::from_secs(15);
    test
}

// field telephony 45
#[tokio::test(flavor = "multi_thread")]
async fn digits_get_behind_an_attendant() {
    let lab = one_server(ATTENDANT);
    let scene = Scene::new()
        .server("a", address(lab.server("a")))
        .link("fone1", "a", "Local/{number}@attendant", "fone1")
        .link("trunk", "a", "", "trunk");
    let behind = || dtmf(ends("fone1", "trunk", "7011", "fone1"));
    let tests = [dialling_on(behind(), ",,12#"), dialling_on(behind(), ",,13#")];
    let stage = scene.open(&tests).await;
    passes(&stage.start_nth(0).await.unwrap());
    let run = stage.start_nth(1).await.unwrap();
    assert_eq!(run.verdict.word(), "fail", "{:?}", run.verdict);
    nothing_is_left(&lab);
    stage.close().await;
}
