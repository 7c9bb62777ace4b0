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

/// Everything that leads into calltest: the macro, the context `direct` of the example, and the contexts in which calls
/// arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialplan {
    /// The Stasis app: `asterisk.app` in calltest's configuration.
    pub app: String,
    /// The example's context `direct`, with lines for links that are not called like their numbers; `None` without it.
    pub direct: Option<Vec<NumberLine>>,
    /// The contexts whose every call is a call on one link, as those of trunks are.
    pub incoming: Vec<Incoming>,
    /// The contexts in which each number is a call on a link of its own.
    pub numbers: Vec<NumberContext>,
    /// What else the reader has to know.
    pub remarks: Vec<String>,
}

/// A context whose every call goes to calltest, as a call on one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The context, as the trunk's endpoint names it.
    pub context: String,
    /// The link, as calltest's configuration names it.
    pub link: String,
}

/// A context that hands single numbers to calltest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberContext {
    /// The context.
    pub context: String,
    /// What it is for: one sentence.
    pub purpose: String,
    /// Its numbers.
    pub lines: Vec<NumberLine>,
}

/// A number, and the link on which a call to it is a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberLine {
    /// The number as it is dialled there.
    pub extension: String,
    /// The link, as calltest's configuration names it.
    pub link: String,
}

impl Default for Dialplan {
    /// The example, which needs no trunk.
    fn default() -> Self {
        Self { app: EXAMPLE_APP.to_owned(), direct: Some(Vec::new()), ..Self::without_contexts() }
    }
}

impl Dialplan {
    /// The macro alone.
    #[must_use]
    pub fn without_contexts() -> Self {
        let app = EXAMPLE_APP.to_owned();
        Self { app, direct: None, incoming: Vec::new(), numbers: Vec::new(), remarks: Vec::new() }
    }

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
"#,
            app = self.app,
        );
        if let Some(lines) = &self.direct {
            text.push_str("\n// For tests without a trunk: Local/NAME@direct is a call on the link NAME.\n");
            text.push_str("context direct {\n");
            write_ael_lines(&mut text, lines);
            write_ael_numbers(&mut text, "${EXTEN},");
            for (extension, steps) in DIRECT_EXTENSIONS {
                let _ = writeln!(text, "    {extension} => {{ {}; }}", steps.join("; "));
            }
            text.push_str("}\n");
        }
        for incoming in &self.incoming {
            let Incoming { context, link } = incoming;
            let _ = writeln!(text, "\n// All calls that a trunk delivers are calls on the link {link}.");
            let _ = writeln!(text, "context {context} {{");
            write_ael_numbers(&mut text, &format!("{link},${{EXTEN}}"));
            let _ =
                writeln!(text, "    s => &calltest({link},);       // a call without a number, as on an analogue line");
            text.push_str("}\n");
        }
        for NumberContext { context, purpose, lines } in &self.numbers {
            let _ = writeln!(text, "\n// {purpose}");
            let _ = writeln!(text, "context {context} {{");
            write_ael_lines(&mut text, lines);
            text.push_str(AEL_HANGUP);
            text.push_str("}\n");
        }
        self.write_remarks(&mut text, "//");
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
"#,
            app = self.app,
        );
        if let Some(lines) = &self.direct {
            text.push_str("\n; For tests without a trunk: Local/NAME@direct is a call on the link NAME.\n[direct]\n");
            write_conf_lines(&mut text, lines);
            write_conf_numbers(&mut text, "${EXTEN},");
            for (extension, steps) in DIRECT_EXTENSIONS {
                for (index, step) in steps.iter().enumerate() {
                    let _ = match index {
                        0 => writeln!(text, "exten => {extension},1,{step}"),
                        _ => writeln!(text, " same => n,{step}"),
                    };
                }
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
        for NumberContext { context, purpose, lines } in &self.numbers {
            let _ = writeln!(text, "\n; {purpose}");
            let _ = writeln!(text, "[{context}]");
            write_conf_lines(&mut text, lines);
            text.push_str(CONF_HANGUP);
        }
        self.write_remarks(&mut text, ";");
        text
    }

    fn write_remarks(&self, text: &mut String, mark: &str) {
        for remark in &self.remarks {
            let _ = writeln!(text, "\n{mark} {remark}");
        }
    }
}

const AEL_HANGUP: &str = "    h => NoOp();                    // nothing is left to do when the call is over\n";
const CONF_HANGUP: &str = "; nothing is left to do when the call is over\nexten => h,1,NoOp()\n";

fn write_ael_lines(text: &mut String, lines: &[NumberLine]) {
    for NumberLine { extension, link } in lines {
        let _ = writeln!(text, "    {extension} => &calltest({link},${{EXTEN}});");
    }
}

fn write_conf_lines(text: &mut String, lines: &[NumberLine]) {
    for NumberLine { extension, link } in lines {
        let _ = writeln!(text, "exten => {extension},1,Gosub(calltest,s,1({link},${{EXTEN}}))");
    }
}

fn write_ael_numbers(text: &mut String, arguments: &str) {
    for pattern in NUMBER_PATTERNS {
        let _ = writeln!(text, "    {pattern} => &calltest({arguments});");
    }
    text.push_str(AEL_HANGUP);
}

fn write_conf_numbers(text: &mut String, arguments: &str) {
    for pattern in NUMBER_PATTERNS {
        let _ = writeln!(text, "exten => {pattern},1,Gosub(calltest,s,1({arguments}))");
    }
    text.push_str(CONF_HANGUP);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_trunk() -> Dialplan {
        let incoming = vec![Incoming { context: "from-carrier".into(), link: "carrier".into() }];
        Dialplan { app: "tester".into(), incoming, ..Dialplan::default() }
    }

    fn with_numbers() -> Dialplan {
        let line = |extension: &str, link: &str| NumberLine { extension: extension.into(), link: link.into() };
        let lines = vec![line("+4912345", "foo"), line("567", "bar")];
        let numbers = vec![NumberContext { context: "office".into(), purpose: "Calls from the office.".into(), lines }];
        let remarks = vec!["Mind the gap.".into()];
        Dialplan { direct: Some(vec![line("89", "baz")]), numbers, remarks, ..Dialplan::default() }
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
    fn a_number_is_a_call_on_the_link_of_its_line() {
        let ael = with_numbers().to_ael();
        let (_, office) = ael.split_once("\n// Calls from the office.\ncontext office {\n").unwrap();
        assert_eq!(
            office,
            "    +4912345 => &calltest(foo,${EXTEN});\n    567 => &calltest(bar,${EXTEN});\n    \
             h => NoOp();                    // nothing is left to do when the call is over\n}\n\n// Mind the gap.\n"
        );
        let conf = with_numbers().to_extensions_conf();
        let (_, office) = conf.split_once("\n; Calls from the office.\n[office]\n").unwrap();
        assert!(office.starts_with("exten => +4912345,1,Gosub(calltest,s,1(foo,${EXTEN}))\n"), "{office}");
        assert!(office.ends_with("\nexten => h,1,NoOp()\n\n; Mind the gap.\n"), "{office}");
    }

    #[test]
    fn direct_may_have_lines_of_its_own_or_not_be_there_at_all() {
        let ael = with_numbers().to_ael();
        assert!(ael.contains("context direct {\n    89 => &calltest(baz,${EXTEN});\n    _X! => "), "{ael}");
        let conf = with_numbers().to_extensions_conf();
        assert!(conf.contains("[direct]\nexten => 89,1,Gosub(calltest,s,1(baz,${EXTEN}))\nexten => _X!"), "{conf}");
        for text in [Dialplan::without_contexts().to_ael(), Dialplan::without_contexts().to_extensions_conf()] {
            assert!(text.contains("Stasis(calltest,") && !text.contains("direct"), "{text}");
        }
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
