//! What an event is about: the ids of the channels and bridges that it concerns. The router asks; the generated types
//! answer for what they contain, and `model_subjects` for the objects that have an id themselves.

use serde_json::Value;

/// Something that concerns channels or bridges.
pub(crate) trait Subjects {
    /// Calls `visit` with the id of each of them, perhaps more than once with the same.
    fn for_each_subject(&self, visit: &mut dyn FnMut(&str));
}

impl<T: Subjects> Subjects for Option<Box<T>> {
    fn for_each_subject(&self, visit: &mut dyn FnMut(&str)) {
        if let Some(inner) = self {
            inner.for_each_subject(visit);
        }
    }
}

/// A message whose type is not known: every object in it that has an id or a target is taken for a subject, which
/// at worst shows an event to somebody it does not interest.
impl Subjects for Value {
    fn for_each_subject(&self, visit: &mut dyn FnMut(&str)) {
        let Some(members) = self.as_object() else { return };
        for member in members.values() {
            if let Some(id) = member.get("id").and_then(Value::as_str) {
                visit(id);
            }
            if let Some(target) = member.get("target_uri").and_then(Value::as_str) {
                visit_target(target, visit);
            }
        }
    }
}

/// The target of a playback or a recording is `channel:ID` or `bridge:ID`.
pub(super) fn visit_target(uri: &str, visit: &mut dyn FnMut(&str)) {
    if let Some((_, id)) = uri.split_once(':') {
        visit(id);
    }
}

impl<T: Subjects> Subjects for Box<T> {
    fn for_each_subject(&self, visit: &mut dyn FnMut(&str)) {
        (**self).for_each_subject(visit);
    }
}
