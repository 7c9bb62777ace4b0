//! The dialplan that hands calls to calltest, in both of Asterisk's dialplan languages.
//!
//! Both texts mean the same and use the same context names, so a user pastes one of them, not both.

use std::fmt::Write as _;

use crate::EXAMPLE_APP;

/// What a number may look like, in Asterisk's patterns: digits; with a leading `+`, `*` or `#`; or a name such as
/// `fone1`. A pattern that took any text would also take the single letters that Asterisk calls by itself, `h` at
/// hang-up and `T` when a channel's time is up, and calltest would be handed the dead call a second time.
const NUMBER_PATTERNS: [&str; 3] = ["_X!", "_[+*#]!", "_[a-zA-Z]."];

/// The example's own endpoints in context `direct`: what each extension does.
const DIRECT_EXTENSIONS: [(&str, [&str; 4]); 3] = [
    ("answer", ["Wait(1)", "Answer()", "Wait(5)", "Hangup()"]),
    ("ringing", ["Wait(1)", "Ringing()", "Wait(5)", "Hangup()"]),
    ("progress", ["Wait(1)", "Progress()", "Wait(5)", "Hangup()"]),
];

/// The two languages in which a dialplan may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DialplanLanguage {
    /// `extensions.ael`, read by `pbx_ael.so`: the language of calltest's manual.
    #[default]
    Ael,
    /// `extensions.conf`, read by `pbx_config.so`.
    ExtensionsConf,
}

/// Everything that leads into calltest: the macro, the context `direct` of the example, one context per trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialplan {
    /// The Stasis app: `asterisk.app` in calltest's configuration.
    pub app: String,
    /// The contexts in which trunks deliver their calls.
    pub incoming: Vec<Incoming>,
}

/// A context whose every call goes to calltest, as a call on one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The context, as the trunk's endpoint names it.
    pub context: String,
    /// The link, as calltest's configuration names it.
    pub link: String,
}

impl Default for Dialplan {
    /// The example, which needs no trunk.
    fn default() -> Self {
        Self { app: EXAMPLE_APP.to_owned(), incoming: Vec::new() }
    }
}

impl Dialplan {
    /// The text in the given language.
    #[must_use]
    pub fn text(&self, language: DialplanLanguage) -> String {
        match language {
            DialplanLanguage::Ael => self.to_ael(),
            DialplanLanguage::ExtensionsConf => self.to_extensions_conf(),
        }
    }

    /// For `extensions.ael`.
    #[must_use]
    pub fn to_ael(&self) -> String {
        let mut text = format!(
            r#"// Hands a call to calltest: the link on which it came, and the number that was dialled.
// No spaces after the commas: Asterisk would make them part of the arguments.
macro calltest(link,nr) {{
    Stasis({app},${{link}},${{nr}});
    if ("${{STASISSTATUS}}" = "FAILED") {{
        Hangup(34);                 // calltest is not connected: "congestion" rather than "declined"
    }}
    Hangup();
    return;
}}

// For tests without a trunk: Local/NAME@direct is a call on the link NAME.
context direct {{
"#,
            app = self.app,
        );
        write_ael_numbers(&mut text, "${EXTEN},");
        for (extension, steps) in DIRECT_EXTENSIONS {
            let _ = writeln!(text, "    {extension} => {{ {}; }}", steps.join("; "));
        }
        text.push_str("}\n");
        for incoming in &self.incoming {
            let Incoming { context, link } = incoming;
            let _ = writeln!(text, "\n// All calls that a trunk delivers are calls on the link {link}.");
            let _ = writeln!(text, "context {context} {{");
            write_ael_numbers(&mut text, &format!("{link},${{EXTEN}}"));
            let _ =
                writeln!(text, "    s => &calltest({link},);       // a call without a number, as on an analogue line");
            text.push_str("}\n");
        }
        text
    }

    /// For `extensions.conf`.
    #[must_use]
    pub fn to_extensions_conf(&self) -> String {
        let mut text = format!(
            r#"; Hands a call to calltest: the link on which it came, and the number that was dialled.
; No spaces after the commas: Asterisk would make them part of the arguments.
[calltest]
exten => s,1,Stasis({app},${{ARG1}},${{ARG2}})
; calltest is not connected: "congestion" rather than "declined"
 same => n,ExecIf($["${{STASISSTATUS}}" = "FAILED"]?Hangup(34))
 same => n,Hangup()

; For tests without a trunk: Local/NAME@direct is a call on the link NAME.
[direct]
"#,
            app = self.app,
        );
        write_conf_numbers(&mut text, "${EXTEN},");
        for (extension, steps) in DIRECT_EXTENSIONS {
            for (index, step) in steps.iter().enumerate() {
                let _ = match index {
                    0 => writeln!(text, "exten => {extension},1,{step}"),
                    _ => writeln!(text, " same => n,{step}"),
                };
            }
        }
        for incoming in &self.incoming {
            let Incoming { context, link } = incoming;
            let _ = writeln!(text, "\n; All calls that a trunk delivers are calls on the link {link}.");
            let _ = writeln!(text, "[{context}]");
            write_conf_numbers(&mut text, &format!("{link},${{EXTEN}}"));
            let _ = writeln!(text, "; a call without a number, as on an analogue line");
            let _ = writeln!(text, "exten => s,1,Gosub(calltest,s,1({link},))");
        }
        text
    }
}

fn write_ael_numbers(text: &mut String, arguments: &str) {
    for pattern in NUMBER_PATTERNS {
        let _ = writeln!(text, "    {pattern} => &calltest({arguments});");
    }
    text.push_str("    h => NoOp();                    // nothing is left to do when the call is over\n");
}

fn write_conf_numbers(text: &mut String, arguments: &str) {
    for pattern in NUMBER_PATTERNS {
        let _ = writeln!(text, "exten => {pattern},1,Gosub(calltest,s,1({arguments}))");
    }
    text.push_str("; nothing is left to do when the call is over\nexten => h,1,NoOp()\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_trunk() -> Dialplan {
        let incoming = vec![Incoming { context: "from-carrier".into(), link: "carrier".into() }];
        Dialplan { app: "tester".into(), incoming }
    }

    #[test]
    fn both_languages_hand_over_link_and_number_to_the_app() {
        let dialplan = with_trunk();
        assert!(dialplan.to_ael().contains("    Stasis(tester,${link},${nr});\n"));
        assert!(dialplan.to_extensions_conf().contains("exten => s,1,Stasis(tester,${ARG1},${ARG2})\n"));
    }

    #[test]
    fn a_trunks_numbers_carry_the_links_name_and_no_spaces() {
        let dialplan = with_trunk();
        let ael = dialplan.to_ael();
        let (_, context) = ael.split_once("context from-carrier {\n").unwrap();
        assert!(context.starts_with("    _X! => &calltest(carrier,${EXTEN});\n"), "{context}");
        let conf = dialplan.to_extensions_conf();
        let (_, context) = conf.split_once("[from-carrier]\n").unwrap();
        assert!(context.starts_with("exten => _X!,1,Gosub(calltest,s,1(carrier,${EXTEN}))\n"), "{context}");
    }

    #[test]
    fn both_languages_have_the_same_contexts() {
        let dialplan = with_trunk();
        let (ael, conf) = (dialplan.to_ael(), dialplan.to_extensions_conf());
        for context in ["direct", "from-carrier"] {
            assert!(ael.contains(&format!("context {context} {{\n")), "{ael}");
            assert!(conf.contains(&format!("[{context}]\n")), "{conf}");
        }
    }

    #[test]
    fn no_pattern_takes_the_extensions_that_asterisk_calls_by_itself() {
        for pattern in NUMBER_PATTERNS {
            let takes_a_lone_letter = pattern.contains("a-z") && !pattern.ends_with("].");
            assert!(!takes_a_lone_letter && pattern != "_.!", "{pattern}");
        }
        assert_eq!(with_trunk().to_ael().matches("    h => NoOp();").count(), 2);
        assert_eq!(with_trunk().to_extensions_conf().matches("exten => h,1,NoOp()\n").count(), 2);
    }

    #[test]
    fn the_examples_endpoints_are_there_in_both_languages() {
        let dialplan = Dialplan::default();
        assert!(dialplan.to_ael().contains("    ringing => { Wait(1); Ringing(); Wait(5); Hangup(); }\n"));
        assert!(
            dialplan.to_extensions_conf().contains(
                "exten => progress,1,Wait(1)\n same => n,Progress()\n same => n,Wait(5)\n same => n,Hangup()\n"
            )
        );
    }
}
