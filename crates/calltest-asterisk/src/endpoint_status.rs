//! Whether the endpoint behind a dial string is there, as far as the server knows.

use calltest_ari::RequestError;
use calltest_ari::models::EndpointState;
use calltest_ari::requests::endpoints;
use calltest_engine::EndpointStatus;

use crate::contacts::{Asked, asks_for};
use crate::server::Server;

/// The state of TECH/resource. What a server says of an endpoint that it never asks whether it is there is worth nothing.
pub(crate) async fn endpoint_status(
    server: &Server,
    tech: &str,
    resource: &str,
) -> Result<EndpointStatus, RequestError> {
    let endpoint = format!("{tech}/{resource}");
    let get = endpoints::Get { tech: tech.to_owned(), resource: resource.to_owned() };
    let found = match server.client.request(get).await {
        Ok(found) => found,
        Err(error) if error.is_gone() => {
            let why = format!(
                "the server knows no endpoint {endpoint}; correct the link's `channel`, or define the endpoint there"
            );
            return Ok(EndpointStatus::Unknown { why });
        }
        Err(error) => return Err(error),
    };
    let state = found.state;
    if tech.eq_ignore_ascii_case("PJSIP")
        && let Asked::Never { aor } = asks_for(server, resource).await?
    {
        let why = format!(
            "Asterisk never asks whether {endpoint} is there, so nobody can tell; set `qualify_frequency = 30` for its aor \
             {aor} in pjsip.conf"
        );
        return Ok(EndpointStatus::Unasked { why });
    }
    Ok(match state {
        Some(EndpointState::Online) => EndpointStatus::Online { endpoint },
        Some(EndpointState::Offline) => EndpointStatus::Offline { endpoint },
        _ => EndpointStatus::Unasked {
            why: format!("Asterisk does not know whether {endpoint} is there: let it ask, by {}", qualify_key(tech)),
        },
    })
}

/// The setting by which an endpoint of that technology is asked whether it is there.
pub(crate) fn qualify_key(tech: &str) -> &'static str {
    match tech.to_uppercase().as_str() {
        "PJSIP" => "`qualify_frequency = 30` for its aor in pjsip.conf",
        "IAX2" => "`qualify = yes` for it in iax.conf",
        "SIP" => "`qualify = yes` for it in sip.conf",
        _ => "whatever its technology has for that",
    }
}
