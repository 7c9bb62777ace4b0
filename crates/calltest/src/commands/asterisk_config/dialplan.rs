//! From the links and tests of a plan to the dialplan that they need.

use std::collections::{BTreeMap, BTreeSet};

use asterisk_setup::{Dialplan, Incoming, NumberContext, NumberLine};
use calltest_core::inbound_route::InboundRoute;
use calltest_core::plan::{Address, Link, LinkName, Plan, Server};

use super::trunks;

/// The context of the example, which has numbers and names of its own.
const DIRECT: &str = "direct";

/// The context for calls that come in nobody says where.
const ELSEWHERE: &str = "calltest-in";

pub(super) fn dialplan(plan: &Plan, server: &Server) -> Dialplan {
    let mut draft = Draft::default();
    for (link, ways) in plan.inbound_routes(server) {
        for way in ways {
            draft.add(link, &way);
        }
    }
    draft.look_at_far_ends(plan, server);
    draft.finish(&server.asterisk().app)
}

/// The number of a call, and the name under which it has to arrive.
type Lines = BTreeSet<(String, LinkName)>;

/// A dialplan in the making.
#[derive(Default)]
struct Draft {
    has_direct: bool,
    /// What is dialled in which context.
    contexts: BTreeMap<String, Lines>,
    /// The calls of each trunk: numbers, if they are known, and names.
    trunks: BTreeMap<String, BTreeSet<(Option<String>, LinkName)>>,
    /// The contexts that are the user's own.
    foreign: BTreeSet<String>,
    remarks: Vec<String>,
}

impl Draft {
    fn add(&mut self, link: &Link, way: &InboundRoute) {
        match way {
            InboundRoute::Dialled { dial_string, .. } => {
                let Some((extension, context)) = local_target(dial_string) else { return };
                let comes_from_outside = link.address.as_ref().is_some_and(|address| !address.dial_string().is_local());
                if comes_from_outside && context != DIRECT {
                    self.foreign.insert(context.to_owned());
                    self.remark(format!(
                        "Calls to {extension} in context {context} go out through a trunk, and come in on link {}: that \
                         context is yours to write.",
                        link.name
                    ));
                } else {
                    self.line(context, extension, link);
                }
            }
            InboundRoute::Trunk { endpoint, number } => {
                let calls = self.trunks.entry(endpoint.clone()).or_default();
                calls.insert((number.clone(), link.arrives_as.clone()));
            }
            InboundRoute::Outside => match &link.number {
                Some(number) => self.line(ELSEWHERE, number.as_str(), link),
                None => self.remark(format!(
                    "Where calls for link {} come in, write &calltest({},${{EXTEN}}).",
                    link.name, link.arrives_as
                )),
            },
        }
    }

    fn line(&mut self, context: &str, extension: &str, link: &Link) {
        if is_writable(extension) && is_writable(link.arrives_as.as_str()) && is_writable(context) {
            let lines = self.contexts.entry(context.to_owned()).or_default();
            lines.insert((extension.to_owned(), link.arrives_as.clone()));
        } else {
            self.remark(format!(
                "Calls to `{extension}` in context `{context}` belong to link `{}`: not in letters that a dialplan takes.",
                link.arrives_as
            ));
        }
    }

    /// Sees to the far ends that links dial in the dialplan, other than those above.
    fn look_at_far_ends(&mut self, plan: &Plan, server: &Server) {
        for link in plan.links.values().filter(|link| link.server == server.name) {
            let dial_string = link.address.as_ref().map(Address::dial_string);
            let Some(dial_string) = dial_string.filter(|dial_string| dial_string.is_local()) else { continue };
            let Some((extension, context)) = local_target(dial_string.template()) else { continue };
            self.has_direct |= context == DIRECT;
            if context != DIRECT && !self.contexts.contains_key(context) && !self.foreign.contains(context) {
                self.remark(format!(
                    "Link {} dials {extension} in context {context}, which is yours to write.",
                    link.name
                ));
            }
        }
    }

    fn remark(&mut self, remark: String) {
        // A name may hold anything, and a comment ends with its line.
        let remark = remark.replace(char::is_control, " ");
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn finish(mut self, app: &str) -> Dialplan {
        let mut incoming = Vec::new();
        let mut numbers = Vec::new();
        for (endpoint, calls) in std::mem::take(&mut self.trunks) {
            let context = trunks::context(&endpoint);
            let names: BTreeSet<_> = calls.iter().map(|(_, name)| name).collect();
            if let [name] = names.iter().collect::<Vec<_>>()[..] {
                incoming.push(Incoming { context, link: name.to_string() });
                continue;
            }
            let mut lines = Vec::new();
            for (number, name) in &calls {
                match number.as_deref().filter(|number| is_writable(number)) {
                    Some(number) => lines.push(line(number, name)),
                    None => {
                        self.remark(format!("Link {name} shares {endpoint} and has no number to know its calls by."));
                    }
                }
            }
            let purpose =
                format!("The calls that {endpoint} delivers, by number: write the numbers as the far end does.");
            numbers.push(NumberContext { context, purpose, lines });
        }
        let mut direct = self.contexts.remove(DIRECT);
        if self.has_direct {
            direct.get_or_insert_default();
        }
        // Where the number is the name, the patterns of that context do.
        let direct = direct.map(|lines| {
            let differing = lines.iter().filter(|(number, name)| number != name.as_str());
            differing.map(|(number, name)| line(number, name)).collect()
        });
        numbers.extend(self.contexts.into_iter().map(|(context, lines)| {
            let purpose = if context == ELSEWHERE {
                format!("Include this context ({ELSEWHERE}) in the one where calls to these numbers come in.")
            } else {
                "Calls to these numbers are calls on the links named.".to_owned()
            };
            let lines = lines.iter().map(|(number, name)| line(number, name)).collect();
            NumberContext { context, purpose, lines }
        }));
        Dialplan { app: app.to_owned(), direct, incoming, numbers, remarks: self.remarks }
    }
}

fn line(number: &str, name: &LinkName) -> NumberLine {
    NumberLine { extension: number.to_owned(), link: name.to_string() }
}

/// The extension and the context of `Local/EXTENSION@CONTEXT`, options apart.
fn local_target(dial_string: &str) -> Option<(&str, &str)> {
    let (_, target) = dial_string.split_once('/')?;
    let (extension, context) = target.rsplit_once('@')?;
    Some((extension, context.split('/').next().unwrap_or(context)))
}

/// Whether both languages of the dialplan take it for a name, and for nothing else.
fn is_writable(name: &str) -> bool {
    let mut letters = name.chars();
    let begins_well = letters.next().is_some_and(|first| first.is_ascii_alphanumeric() || "+*#".contains(first));
    begins_well && letters.all(|letter| letter.is_ascii_alphanumeric() || "+*#-_.".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_something_else_are_not_written() {
        for name in ["fone1", "+4912345", "*43#", "from-carrier", "a_b.c"] {
            assert!(is_writable(name), "{name}");
        }
        for name in ["", "_X!", "a b", "a,b", "a;b", "ä", "a=>b", "${x}"] {
            assert!(!is_writable(name), "{name}");
        }
    }

    #[test]
    fn options_of_a_local_channel_are_no_part_of_its_context() {
        assert_eq!(local_target("Local/{number}@direct/n"), Some(("{number}", "direct")));
        assert_eq!(local_target("Local/+49@mangle"), Some(("+49", "mangle")));
        assert_eq!(local_target("Local/1234"), None);
    }
}
