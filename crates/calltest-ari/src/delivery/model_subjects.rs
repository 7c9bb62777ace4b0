//! The objects of Asterisk that have an id of their own, or a target: what the generated types contain ends with these.

use crate::delivery::subjects::{Subjects, visit_target};
use crate::generated::models::{Bridge, Channel, LiveRecording, Playback};

impl Subjects for Channel {
    fn for_each_subject(&self, visit: &mut dyn FnMut(&str)) {
        visit(&self.id);
    }
}

impl Subjects for Bridge {
    fn for_each_subject(&self, visit: &mut dyn FnMut(&str)) {
        visit(&self.id);
    }
}

impl Subjects for Playback {
    fn for_each_subject(&self, visit: &mut dyn FnMut(&str)) {
        visit_target(&self.target_uri, visit);
    }
}

impl Subjects for LiveRecording {
    fn for_each_subject(&self, visit: &mut dyn FnMut(&str)) {
        visit_target(&self.target_uri, visit);
    }
}
