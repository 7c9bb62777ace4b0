//! What Asterisk knows of who calls, beside the number: whether it may be shown, and from where the call was diverted.

use std::sync::Arc;

use calltest_ari::RequestError;
use calltest_ari::requests::channels;
use calltest_core::evidence::Observation;

use crate::server::Server;

/// Blanks part the answers. Neither presentations nor reasons have one; numbers may, so theirs comes last.
const QUESTION: &str = "EVAL(${CALLERID(num-pres)} ${REDIRECTING(reason)} ${REDIRECTING(from-num)})";

/// Asks for what there is to know.
pub(crate) async fn identify(server: Arc<Server>, channel_id: String) -> Result<Vec<Observation>, RequestError> {
    let get = channels::GetChannelVar { channel_id, variable: QUESTION.into() };
    match server.client.request(get).await {
        Ok(variable) => Ok(read(&variable.value)),
        // Asterisk lacks the functions that are asked for; the doctor says so.
        Err(error) if error.status().is_some() && !error.is_gone() => {
            tracing::debug!(server = %server.name, "who calls is told by the number alone: {error}");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// What the answer to the question says.
fn read(answer: &str) -> Vec<Observation> {
    let mut parts = answer.splitn(3, ' ');
    let (presentation, reason, from) = (parts.next(), parts.next(), parts.next());
    let mut told = Vec::new();
    // `prohib`, with how the number was screened behind it.
    if presentation.is_some_and(|presentation| presentation.starts_with("prohib")) {
        told.push(Observation::NumberWithheld);
    }
    if let Some(from) = from.map(str::trim).filter(|from| !from.is_empty()) {
        let reason = reason.filter(|reason| *reason != "unknown").unwrap_or_default();
        told.push(Observation::Diverted { from: from.to_owned(), reason: reason.to_owned() });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_read_as_far_as_it_goes() {
        let diverted = |from: &str, reason: &str| Observation::Diverted { from: from.into(), reason: reason.into() };
        assert_eq!(read("allowed_not_screened unknown "), []);
        assert_eq!(read("prohib_not_screened unknown "), [Observation::NumberWithheld]);
        assert_eq!(read("prohib"), [Observation::NumberWithheld]);
        assert_eq!(read("unavailable cfb +4930123"), [diverted("+4930123", "cfb")]);
        assert_eq!(read("prohib_passed_screen unknown 49 30"), [Observation::NumberWithheld, diverted("49 30", "")]);
        assert_eq!(read(""), []);
    }
}
