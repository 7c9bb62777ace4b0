//! Making a request so that a call comes, and what the answer says about it.

use calltest_core::plan::ExpectedAnswer;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use reqwest::{Response, redirect};

use crate::authorities;
use crate::request::{Request, shown};
use crate::sent::{MAX_KEPT, MAX_QUOTED, Sent, on_one_line, quoted};

/// How much of an answer is read, in bytes; the rest is of no interest.
const MAX_READ: usize = 1 << 20;
/// How much of a text that was expected is repeated, in characters.
const MAX_EXPECTED: usize = 100;

/// Makes a request, and says what came of it.
pub(super) async fn fetch(request: Request, mut sent: Sent) -> Result<String, String> {
    let what = request.what();
    let Request { method, url, headers, body, expected } = request;
    let failed = |error: reqwest::Error| format!("{what}: {}", whole(&error.without_url()));
    // One client a trigger: tests come minutes apart, and a connection kept that long would be dead by then.
    let tls = authorities::trusted(&url).await.map_err(|why| format!("{what}: {why}"))?;
    // Whoever is sent on to a page of welcome has caused no call, and what was sent is meant for nobody else.
    let client = reqwest::Client::builder().redirect(redirect::Policy::none()).referer(false);
    let client = client.tls_backend_preconfigured(tls).build().map_err(failed)?;
    sent.url(&url);
    let mut request = client.request(method, url).headers(headers);
    if let Some(body) = body {
        sent.body(&body);
        request = request.body(body);
    }
    let request = request.build().map_err(failed)?;
    for (name, value) in request.headers().iter().filter(|(name, _)| **name != CONTENT_TYPE) {
        sent.header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
    }
    let mut response = client.execute(request).await.map_err(failed)?;
    let status = response.status();
    if let Some(place) = target(&response, &mut sent).filter(|_| !expected.takes(status.as_u16())) {
        // The answer's text has the place, too, and perhaps a token in it.
        let code = status.as_u16();
        let fix = format!("give the URL that causes the call by itself, or `expect: {code}` if this is its answer");
        return Err(format!("{what} answered {status}, which leads to {place} and is not followed; fix: {fix}"));
    }
    let answer = read(&mut response, &expected).await.map_err(failed)?;
    let Some(missing) = missing(&expected, &response, &answer) else {
        return Ok(format!("{what} answered {status}"));
    };
    let said = &answer.body[..answer.body.len().min(MAX_KEPT)];
    let said = sent.blotted(said, answer.is_cut || said.len() < answer.body.len());
    let said = quoted(&said.chars().take(MAX_QUOTED).collect::<String>());
    Err(format!("{what} answered {status}{missing}{said}"))
}

/// What was read of an answer.
struct Answer {
    /// Its beginning.
    body: Vec<u8>,
    /// Whether there is more of it.
    is_cut: bool,
}

/// Reads an answer, and keeps as much of it as is looked at.
async fn read(response: &mut Response, expected: &ExpectedAnswer) -> reqwest::Result<Answer> {
    let most = if expected.texts.is_empty() { MAX_KEPT } else { MAX_READ };
    let mut answer = Answer { body: Vec::new(), is_cut: false };
    let mut count = 0;
    while let Some(chunk) = response.chunk().await? {
        count += chunk.len();
        let room = most - answer.body.len();
        answer.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if count > MAX_READ {
            break;
        }
    }
    answer.is_cut = count > answer.body.len();
    Ok(answer)
}

/// What an answer lacks, as it goes on after the status; nothing if it is as expected.
fn missing(expected: &ExpectedAnswer, response: &Response, answer: &Answer) -> Option<String> {
    let status = response.status().as_u16();
    if !expected.takes(status) {
        let statuses: Vec<String> = expected.statuses.iter().map(ToString::to_string).collect();
        let wanted = match statuses.split_last() {
            None => return Some(String::new()),
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        };
        return Some(format!(", expected {wanted}; fix: correct the request, or `url.expect`"));
    }
    let body = String::from_utf8_lossy(&answer.body);
    let text = expected.texts.iter().find(|text| !body.contains(&***text))?;
    let shown: String = on_one_line(text).chars().take(MAX_EXPECTED).collect();
    let encoding = response.headers().get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity");
    let part = match encoding {
        Some(_) => "the body, which is compressed and cannot be searched".to_owned(),
        None if answer.is_cut => format!("the first {} MiB of the body", MAX_READ >> 20),
        None => "the body".to_owned(),
    };
    Some(format!(", expected `{shown}` in {part}; fix: correct the request, or `url.expect`"))
}

/// Where a redirect leads, without what may be secret in it.
fn target(response: &Response, sent: &mut Sent) -> Option<String> {
    let place = response.headers().get(LOCATION).filter(|_| response.status().is_redirection())?;
    let url = place.to_str().ok().and_then(|place| response.url().join(place).ok());
    Some(match url {
        // Of any other URL nobody knows where it has its secrets.
        Some(url) if !matches!(url.scheme(), "http" | "https") => format!("a URL of the scheme {}", url.scheme()),
        Some(url) => sent.blotted(shown(&url).as_bytes(), false).chars().take(MAX_QUOTED).collect(),
        None => "a place that cannot be read".into(),
    })
}

/// An error with all its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
