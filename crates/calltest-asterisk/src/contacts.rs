//! Whether Asterisk asks the contacts of a PJSIP endpoint whether they are there.
//!
//! A contact that is written down and never asked is taken for reachable by some versions and for unreachable by others. One
//! that registers is there for as long as its registration is.

use std::collections::BTreeMap;

use calltest_ari::RequestError;
use calltest_ari::requests::asterisk::GetObject;

use crate::endpoint_settings::EndpointSettings;
use crate::server::Server;

/// Whether Asterisk can know that an endpoint is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It asks, or the endpoint registers.
    Somehow,
    /// All it has is the contact written down for this address of record.
    Never {
        /// Its name in pjsip.conf.
        aor: String,
    },
}

/// Looks at the addresses of record of an endpoint. An Asterisk that does not tell of them is given the benefit of the doubt.
pub(crate) async fn asks_for(server: &Server, endpoint: &str) -> Result<Asked, RequestError> {
    let Some(settings) = told(server.client.request(EndpointSettings::of(endpoint)).await)? else {
        return Ok(Asked::Somehow);
    };
    let settings = EndpointSettings::read(settings);
    let mut unasked = None;
    for aor in settings.aors() {
        let get = GetObject { config_class: "res_pjsip".into(), object_type: "aor".into(), id: aor.to_owned() };
        let Some(answer) = told(server.client.request(get).await)? else { return Ok(Asked::Somehow) };
        let set: BTreeMap<String, String> =
            answer.into_iter().map(|tuple| (tuple.attribute.into(), tuple.value.into())).collect();
        if !is_never_asked(&set) {
            return Ok(Asked::Somehow);
        }
        unasked = Some(aor.to_owned());
    }
    Ok(unasked.map_or(Asked::Somehow, |aor| Asked::Never { aor }))
}

fn is_never_asked(aor: &BTreeMap<String, String>) -> bool {
    let get = |name: &str| aor.get(name).map(String::as_str).unwrap_or_default();
    get("qualify_frequency") == "0" && !get("contact").is_empty()
}

/// The answer, or nothing where the server refuses to tell.
fn told<T>(answer: Result<T, RequestError>) -> Result<Option<T>, RequestError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.status().is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_contact_that_is_written_down_may_never_be_asked() {
        let aor = |frequency: &str, contact: &str| {
            let set = [("qualify_frequency", frequency), ("contact", contact)];
            set.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        };
        assert!(is_never_asked(&aor("0", "sip:192.0.2.1")));
        assert!(!is_never_asked(&aor("30", "sip:192.0.2.1")));
        assert!(!is_never_asked(&aor("0", "")));
        assert!(!is_never_asked(&BTreeMap::new()));
    }
}
