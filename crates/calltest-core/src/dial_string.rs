//! Dial strings: what Asterisk is given to originate a call, with a place for the number.

use std::fmt;

use crate::legible;

/// The template that Asterisk is given to originate a call: `PJSIP/{number}@trunk`, `Local/{number}@direct`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DialString(String);

impl DialString {
    /// What stands for the dialled number in the template.
    pub const NUMBER: &str = "{number}";

    /// Takes a template in Asterisk's form `TECH/resource`.
    ///
    /// # Errors
    /// Returns what is wrong with it if the technology or the resource is missing.
    pub fn new(template: impl Into<String>) -> Result<Self, BadDialString> {
        let template = template.into();
        match template.split_once('/') {
            Some((tech, resource)) if !tech.is_empty() && !resource.is_empty() => Ok(Self(template)),
            _ => Err(BadDialString { template }),
        }
    }

    /// The template as configured.
    pub fn template(&self) -> &str {
        &self.0
    }

    /// Whether the template has a place for the dialled number.
    pub fn needs_number(&self) -> bool {
        self.0.contains(Self::NUMBER)
    }

    /// The channel technology, the part before the slash.
    pub fn technology(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(tech, _)| tech)
    }

    /// Whether this dials into the server's own dialplan.
    pub fn is_local(&self) -> bool {
        self.technology().eq_ignore_ascii_case("local")
    }

    /// The text to dial, with the number put in its place.
    pub fn dial(&self, number: Option<&str>) -> String {
        match number {
            Some(number) => self.0.replace(Self::NUMBER, number),
            None => self.0.clone(),
        }
    }

    /// The endpoint behind the dial string, as ARI's `GET /endpoints/{tech}/{resource}` names it: `trunk` in
    /// `PJSIP/{number}@trunk` and in `PJSIP/trunk/sip:{number}@example.org`. `None` for Local channels, which have no
    /// endpoint, and where the number is part of its name.
    pub fn endpoint(&self) -> Option<(&str, &str)> {
        let (tech, resource) = self.0.split_once('/')?;
        // Options and further targets follow a slash or an `&`.
        let resource = resource.split(['/', '&']).next().unwrap_or(resource);
        let resource = resource.rsplit_once('@').map_or(resource, |(_, endpoint)| endpoint);
        (!self.is_local() && !resource.contains(Self::NUMBER)).then_some((tech, resource))
    }

    /// What is dialled behind the endpoint, once the number is in its place: `112` in `PJSIP/112@trunk`, in
    /// `PJSIP/trunk/sip:112@example.org` and in `DAHDI/g1/112`; without what it is wrapped in, as in `%31%31%32` or
    /// `<sip:112@example.org>`. `None` where the endpoint itself is called.
    pub fn destination(&self, number: Option<&str>) -> Option<String> {
        let raw = self.target(&self.dial(number))?.0;
        let stages = legible::stages(&raw);
        let legible = stages.last().map_or(raw.as_str(), String::as_str);
        let address = legible.rsplit_once('<').map_or(legible, |(_, inside)| inside);
        let mut target = address.split(['@', '&', ';', '>', '?']).next().unwrap_or(address).trim();
        for scheme in ["sip:", "sips:", "tel:"] {
            target = match target.get(..scheme.len()) {
                Some(start) if start.eq_ignore_ascii_case(scheme) => &target[scheme.len()..],
                _ => target,
            };
        }
        // A password may follow, as in `SIP/112:secret@host`.
        let target = target.split(':').next().unwrap_or(target);
        // On telephone lines a `w` waits half a second for a dial tone.
        let is_line = ["dahdi", "zap"].iter().any(|line| self.technology().eq_ignore_ascii_case(line));
        let target = if is_line { target.replace(['w', 'W'], "") } else { target.to_owned() };
        (!target.is_empty()).then_some(target)
    }

    /// What is dialled behind the endpoint, as it is: every part in which a far end could look for a number.
    pub fn targets(&self, number: Option<&str>) -> Vec<String> {
        let Some((target, others)) = self.target(&self.dial(number)) else { return Vec::new() };
        std::iter::once(target).chain(others).collect()
    }

    /// The part of a filled dial string that names the destination, and other parts that could.
    fn target(&self, dialled: &str) -> Option<(String, Vec<String>)> {
        let (tech, resource) = dialled.split_once('/')?;
        let (first, rest) = match resource.split_once('/') {
            Some((first, rest)) if !self.is_local() => (first, rest),
            Some((first, _)) => (first, ""),
            None => (resource, ""),
        };
        let second = rest.split('/').next().unwrap_or(rest);
        // There it is the user to log in as that precedes the `@`.
        let user = first.rsplit_once('@').filter(|_| !tech.eq_ignore_ascii_case("iax2")).map(|(user, _)| user);
        match (second, user) {
            // A slash may be part of a URI.
            (second, user) if !second.is_empty() => {
                let others = [Some(rest).filter(|rest| *rest != second), user].into_iter().flatten();
                Some((second.into(), others.map(String::from).collect()))
            }
            (_, Some(user)) => Some((user.into(), Vec::new())),
            // Without a context Asterisk looks the extension up in `default`.
            (_, None) if self.is_local() => Some((first.into(), Vec::new())),
            (_, None) => None,
        }
    }
}

/// A dial string, filled or not, without the password that may be in it, as in `IAX2/user:secret@host/number`.
pub fn without_secret(dial_string: &str) -> String {
    let Some((tech, resource)) = dial_string.split_once('/') else { return dial_string.to_owned() };
    let (first, rest) = resource.split_at(resource.find('/').unwrap_or(resource.len()));
    match first.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => format!("{tech}/{user}:***@{host}{rest}"),
        None => dial_string.to_owned(),
    }
}

/// Without its secret.
impl fmt::Display for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_secret(&self.0))
    }
}

/// A dial string that Asterisk could not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{template}` is not a dial string of the form TECHNOLOGY/resource")]
pub struct BadDialString {
    /// The text that was given.
    pub template: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    // field telephony 37 | A dial string with a password in it | it is shown nowhere | a peer that is an address, and one that is none; a port; no password
    #[test]
    fn a_password_is_not_shown() {
        let table = [
            ("IAX2/user:secret@host/{number}", "IAX2/user:***@host/{number}"),
            ("SIP/user:se:cr@et@host:5060/1", "SIP/user:***@host:5060/1"),
            ("IAX2/peer/1", "IAX2/peer/1"),
            ("PJSIP/1@trunk", "PJSIP/1@trunk"),
            ("PJSIP/trunk/sip:1@host:5060", "PJSIP/trunk/sip:1@host:5060"),
            ("Local/1@context/n", "Local/1@context/n"),
        ];
        for (dial_string, shown) in table {
            assert_eq!(DialString::new(dial_string).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_dial_string_knows_its_endpoint() {
        let table = [
            ("PJSIP/{number}@trunk", Some(("PJSIP", "trunk"))),
            ("PJSIP/alice", Some(("PJSIP", "alice"))),
            ("PJSIP/trunk/sip:{number}@example.org:5070", Some(("PJSIP", "trunk"))),
            ("PJSIP/{number}", None),
            ("Local/{number}@direct", None),
            ("DAHDI/g1/{number}", Some(("DAHDI", "g1"))),
        ];
        for (template, endpoint) in table {
            assert_eq!(DialString::new(template).unwrap().endpoint(), endpoint, "{template}");
        }
    }

    #[test]
    fn a_dial_string_knows_what_it_dials() {
        let table = [
            ("PJSIP/{number}@trunk", Some("7")),
            ("PJSIP/0{number}@trunk", Some("07")),
            ("PJSIP/112@trunk", Some("112")),
            ("PJSIP/sip:112@trunk", Some("112")),
            ("PJSIP/trunk/sip:112@example.org:5070", Some("112")),
            ("PJSIP/trunk/SIPS:+49112;phone-context=x@example.org", Some("+49112")),
            ("PJSIP/trunk/tel:112", Some("112")),
            ("PJSIP/alice", None),
            ("PJSIP/{number}", None),
            ("PJSIP/trunk/", None),
            ("SIP/trunk/112", Some("112")),
            ("SIP/112:secret@host", Some("112")),
            ("IAX2/user:secret@peer/112@context", Some("112")),
            ("IAX2/user@peer", None),
            ("DAHDI/g1/112", Some("112")),
            ("DAHDI/g1/9ww112", Some("9112")),
            ("DAHDI/1", None),
            ("Local/112@direct", Some("112")),
            ("Local/112@direct/n", Some("112")),
            ("local/112", Some("112")),
            ("PJSIP/%31%31%32@trunk", Some("112")),
            ("PJSIP/trunk/sip:%2531%2531%2532@example.org", Some("112")),
            ("PJSIP/trunk/\"x\" <sip:112@example.org>", Some("112")),
            ("PJSIP/112%3buser=phone@trunk", Some("112")),
            ("PJSIP/１１２@trunk", Some("112")),
            ("Local/answer@direct", Some("answer")),
            ("Local/@direct", None),
        ];
        for (template, dialled) in table {
            let destination = DialString::new(template).unwrap().destination(Some("7"));
            assert_eq!(destination.as_deref(), dialled, "{template}");
        }
    }

    #[test]
    fn the_number_is_put_into_its_place() {
        let trunk = DialString::new("PJSIP/{number}@trunk").unwrap();
        assert!(trunk.needs_number());
        assert_eq!(trunk.dial(Some("+4912345")), "PJSIP/+4912345@trunk");
        let fixed = DialString::new("Local/answer@direct").unwrap();
        assert!(!fixed.needs_number() && fixed.is_local());
        assert_eq!(fixed.dial(None), "Local/answer@direct");
    }

    #[test]
    fn a_dial_string_has_two_parts() {
        for bad in ["", "PJSIP", "PJSIP/", "/trunk"] {
            assert!(DialString::new(bad).is_err(), "{bad}");
        }
    }
}
