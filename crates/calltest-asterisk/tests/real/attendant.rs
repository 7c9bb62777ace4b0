//! Behind an attendant: digits are dialled on with once something has answered.

use std::time::Duration;

use calltest_core::plan::{CallTest, PostDial, Route};

use crate::scene::{Scene, dtmf, ends, passes, play};
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
    match &mut test.route {
        Route::Both { parties, .. } => parties.post_dial = digits,
        Route::Out { to, .. } => to.post_dial = digits,
        Route::In { .. } | Route::Watch { .. } => panic!("we do not call"),
    }
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
        .link("line", "a", "Local/7011@attendant", "line")
        .link("trunk", "a", "", "trunk");
    let behind = || dtmf(ends("fone1", "trunk", "7011", "fone1"));
    let tests = [
        dialling_on(behind(), ",,12#"),
        dialling_on(behind(), ",,13#"),
        // Nobody of ours answers behind it, so the attendant gives up.
        dialling_on(play("line", None), ",,9#"),
    ];
    let stage = scene.open(&tests).await;
    passes(&stage.start_nth(0).await.unwrap());
    let run = stage.start_nth(1).await.unwrap();
    assert_eq!(run.verdict.word(), "fail", "{:?}", run.verdict);
    let run = stage.start_nth(2).await.unwrap();
    assert!(["pass", "fail"].contains(&run.verdict.word()), "{:?}", run.verdict);
    nothing_is_left(&lab);
    stage.close().await;
}
