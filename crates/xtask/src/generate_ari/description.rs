//! Asterisk's description of ARI (Swagger 1.1 and 1.2), as far as names and types go, in the order of its files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Models that only say what their subtypes have in common.
const BASES: [&str; 2] = ["Message", "Event"];

/// Everything that was read.
pub(crate) struct Description {
    pub(crate) resources: Vec<Resource>,
    /// Names of the models that arrive on the events WebSocket.
    message_names: BTreeSet<String>,
}

/// One file: `channels.json`, `bridges.json`, ….
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) operations: Vec<Operation>,
    models: Vec<Model>,
}

/// One request.
pub(crate) struct Operation {
    pub(crate) nickname: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) response: String,
    pub(crate) parameters: Vec<Parameter>,
}

/// One parameter of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameter {
    pub(crate) name: String,
    #[serde(rename = "paramType")]
    pub(crate) place: Place,
    pub(crate) data_type: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    pub(crate) allow_multiple: bool,
    #[serde(default)]
    allowable_values: Option<AllowableValues>,
}

/// Where a parameter travels.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    Path,
    Query,
    Body,
}

/// One model, which is also what an event is.
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) properties: Vec<Property>,
    subtypes: Vec<String>,
}

/// One property of a model.
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) data_type: String,
    pub(crate) is_required: bool,
    pub(crate) values: Vec<String>,
}

impl Description {
    /// Reads every `*.json` of `directory` but the index.
    pub(crate) fn read(directory: &Path) -> Result<Description> {
        let mut texts = Vec::new();
        let entries = fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "json") && name != "resources" {
                let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                texts.push((name, text));
            }
        }
        Description::parse(texts).with_context(|| format!("understanding {}", directory.display()))
    }

    /// Understands the texts of the resources, each with its name.
    pub(crate) fn parse(texts: impl IntoIterator<Item = (String, String)>) -> Result<Description> {
        let mut resources = Vec::new();
        for (name, text) in texts {
            let raw: RawResource =
                serde_json::from_str(&text).with_context(|| format!("no description of a resource: {name}"))?;
            resources.push(raw.named(name));
        }
        if resources.is_empty() {
            bail!("no description of ARI");
        }
        resources.sort_by(|left, right| left.name.cmp(&right.name));
        let message_names = message_names(&resources);
        Ok(Description { resources, message_names })
    }

    /// Every request, in order.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.resources.iter().flat_map(|resource| &resource.operations)
    }

    /// What requests answer and messages contain.
    pub(crate) fn models(&self) -> impl Iterator<Item = &Model> {
        self.all().filter(|model| !self.is_message(model) && !BASES.contains(&model.name.as_str()))
    }

    /// What arrives on the events WebSocket.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Model> {
        self.all().filter(|model| self.is_message(model) && !BASES.contains(&model.name.as_str()))
    }

    /// The properties of a message with those of its bases, which come last; without `type`, which names it.
    pub(crate) fn message_properties<'a>(&'a self, message: &'a Model) -> Vec<&'a Property> {
        let mut properties: Vec<&Property> = message.properties.iter().collect();
        let mut name = &message.name;
        while let Some(base) = self.all().find(|model| model.subtypes.contains(name)) {
            properties.extend(&base.properties);
            name = &base.name;
        }
        properties.retain(|property| property.name != "type");
        properties
    }

    fn all(&self) -> impl Iterator<Item = &Model> {
        self.resources.iter().flat_map(|resource| &resource.models)
    }

    fn is_message(&self, model: &Model) -> bool {
        self.message_names.contains(&model.name)
    }
}

impl Parameter {
    /// Whether a request without it makes no sense. A path is never complete without its parameters, though the
    /// description does not always say so.
    pub(crate) fn is_required(&self) -> bool {
        self.required || self.place == Place::Path
    }

    /// The values that the description lists, if it lists any.
    pub(crate) fn values(&self) -> &[String] {
        self.allowable_values.as_ref().map_or(&[], |values| &values.values)
    }
}

fn message_names(resources: &[Resource]) -> BTreeSet<String> {
    let models = resources.iter().flat_map(|resource| &resource.models);
    models.filter(|model| BASES.contains(&model.name.as_str())).flat_map(|model| &model.subtypes).cloned().collect()
}

#[derive(Deserialize)]
struct RawResource {
    #[serde(default)]
    apis: Vec<RawApi>,
    #[serde(default)]
    models: InOrder<RawModel>,
}

#[derive(Deserialize)]
struct RawApi {
    path: String,
    #[serde(default)]
    operations: Vec<RawOperation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOperation {
    http_method: String,
    nickname: String,
    response_class: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawModel {
    #[serde(default)]
    properties: InOrder<RawProperty>,
    #[serde(default)]
    sub_types: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProperty {
    #[serde(rename = "type")]
    data_type: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    allowable_values: Option<AllowableValues>,
}

#[derive(Deserialize)]
struct AllowableValues {
    #[serde(default)]
    values: Vec<String>,
}

impl RawResource {
    fn named(self, name: String) -> Resource {
        let operations = self.apis.into_iter().flat_map(|RawApi { path, operations }| {
            operations.into_iter().map(move |raw| Operation {
                nickname: raw.nickname,
                method: raw.http_method,
                path: path.clone(),
                response: raw.response_class,
                parameters: raw.parameters,
            })
        });
        let models = self.models.0.into_iter().map(|(name, raw)| raw.named(name));
        Resource { name, operations: operations.collect(), models: models.collect() }
    }
}

impl RawModel {
    fn named(self, name: String) -> Model {
        let properties = self.properties.0.into_iter().map(|(name, raw)| Property {
            name,
            data_type: raw.data_type,
            is_required: raw.required,
            values: raw.allowable_values.map(|values| values.values).unwrap_or_default(),
        });
        Model { name, properties: properties.collect(), subtypes: self.sub_types }
    }
}

/// The members of a JSON object in the order of the text, which no map of `serde_json` promises.
struct InOrder<T>(Vec<(String, T)>);

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        InOrder(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = InOrder<T>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(InOrder(members))
            }
        }
        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}
