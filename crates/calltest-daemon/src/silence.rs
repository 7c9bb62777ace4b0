//! A silence: somebody does not want to hear of some tests for a while.
//!
//! One form for the board, the interface and the history. Tests, links and servers are named, and may be gone by now.

use std::time::SystemTime;

use calltest_core::plan::{CallTest, LinkName, Plan, ServerName, TestName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wall_clock;

/// A silence
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Shown)]
pub(crate) struct Silence {
    // The history has it, and `until`, in columns of their own: texts of earlier versions lack them.
    #[serde(default)]
    #[schema(required = true)]
    pub(crate) id: String,
    #[serde(with = "names")]
    #[schema(value_type = Vec<String>)]
    pub(crate) tests: Vec<TestName>,
    #[serde(with = "names")]
    #[schema(value_type = Vec<String>)]
    pub(crate) links: Vec<LinkName>,
    #[serde(with = "names")]
    #[schema(value_type = Vec<String>)]
    pub(crate) servers: Vec<ServerName>,
    pub(crate) all: bool,
    #[serde(with = "wall_clock::seconds")]
    #[schema(value_type = f64)]
    pub(crate) created: SystemTime,
    #[serde(with = "wall_clock::seconds", default = "wall_clock::epoch")]
    #[schema(value_type = f64, required = true)]
    pub(crate) until: SystemTime,
    pub(crate) reason: String,
}

impl Silence {
    /// Whether it names anything that could be silenced.
    pub(crate) fn names_anything(&self) -> bool {
        self.all || !(self.tests.is_empty() && self.links.is_empty() && self.servers.is_empty())
    }

    /// Refuses names that the plan does not have: they are most likely mistyped.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), String> {
        let is_test = |name: &TestName| plan.test(name.as_str()).is_some();
        if let Some(name) = self.tests.iter().find(|name| !is_test(name)) {
            return Err(format!("there is no test {name}"));
        }
        if let Some(name) = self.links.iter().find(|name| !plan.links.contains_key(*name)) {
            return Err(format!("there is no link {name}"));
        }
        match self.servers.iter().find(|name| !plan.servers.contains_key(*name)) {
            Some(name) => Err(format!("there is no server {name}")),
            None => Ok(()),
        }
    }

    /// Whether a test of this plan is among what it names, or lies on it.
    pub(crate) fn covers(&self, plan: &Plan, test: &CallTest) -> bool {
        self.all
            || self.tests.contains(&test.name)
            || test.links().into_iter().any(|link| {
                // A silence may name what a reload has taken away.
                self.links.contains(link) || self.servers.contains(&plan.server_of(link).name)
            })
    }
}

/// Lists of names as lists of texts.
pub(crate) mod names {
    use std::fmt::Display;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer, T: Display>(names: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(names.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: for<'a> From<&'a str>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        Ok(read(&Vec::<String>::deserialize(deserializer)?))
    }

    /// The names that these texts are.
    pub(crate) fn read<T: for<'a> From<&'a str>>(texts: &[String]) -> Vec<T> {
        texts.iter().map(|text| T::from(text.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_silence_of_an_earlier_version_can_be_read_and_one_of_this_version_by_it() {
        let old = r#"{"tests":["a"],"links":[],"servers":["far"],"all":false,"created":1.5,"reason":"works"}"#;
        let silence: Silence = serde_json::from_str(old).unwrap();
        assert_eq!((&*silence.tests, &*silence.servers), (&["a".into()][..], &["far".into()][..]));
        assert_eq!(silence.created, UNIX_EPOCH + Duration::from_millis(1500));
        let new = Silence { id: "1".into(), until: UNIX_EPOCH + Duration::from_secs(9), ..silence };
        let text = serde_json::to_string(&new).unwrap();
        assert_eq!(text, format!("{{\"id\":\"1\",{},\"until\":9.0,\"reason\":\"works\"}}", &old[1..old.len() - 18]));
        assert_eq!(serde_json::from_str::<Silence>(&text).unwrap(), new);
    }
}
