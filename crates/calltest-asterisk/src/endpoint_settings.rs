//! The settings of a PJSIP endpoint, as Asterisk has them now.

use std::collections::BTreeMap;

use calltest_ari::models::ConfigTuple;
use calltest_ari::requests::asterisk::GetObject;

/// Settings by name, as in `pjsip.conf`.
pub(crate) struct EndpointSettings(BTreeMap<String, String>);

impl EndpointSettings {
    /// The request for those of an endpoint.
    pub(crate) fn of(endpoint: &str) -> GetObject {
        GetObject { config_class: "res_pjsip".into(), object_type: "endpoint".into(), id: endpoint.to_owned() }
    }

    /// Takes the answer in.
    pub(crate) fn read(answer: Vec<ConfigTuple>) -> Self {
        Self(answer.into_iter().map(|set| (set.attribute.into(), set.value.into())).collect())
    }

    /// The addresses of record (aors) that it is reached by.
    pub(crate) fn aors(&self) -> impl Iterator<Item = &str> {
        self.get("aors").unwrap_or_default().split(',').map(str::trim).filter(|aor| !aor.is_empty())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether it sends packets even while nothing is to be said. An Asterisk that does not tell is given the benefit of the
    /// doubt.
    pub(crate) fn sends_always(&self) -> bool {
        self.get("rtp_keepalive").is_none_or(|seconds| seconds != "0")
    }

    /// How it follows a call that is forwarded, where that is not by way of the dialplan, in which calltest can stop it.
    pub(crate) fn foreign_redirection(&self) -> Option<&str> {
        self.get("redirect_method").filter(|method| *method != "user")
    }
}
