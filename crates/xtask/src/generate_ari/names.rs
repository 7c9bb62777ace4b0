//! What Asterisk's names become in Rust, the exceptions included.

/// Names whose words the rule below would not find.
const SPELLED: [(&str, &str); 2] = [("RTPstat", "RtpStat"), ("rtpstatistics", "RtpStatistics")];

/// Enumerations that would get a name that is taken or says too little.
const ENUMERATIONS: [(&str, &str, &str); 8] = [
    ("Bridge", "bridge_type", "BridgeType"),
    ("ContactInfo", "contact_status", "ContactStatus"),
    ("DeviceState", "state", "DeviceStateValue"),
    ("asterisk", "only", "InfoSection"),
    ("channels", "reason", "HangupReason"),
    ("channels", "spy", "SnoopDirection"),
    ("channels", "whisper", "SnoopDirection"),
    ("playbacks", "operation", "PlaybackOperation"),
];

/// `originateWithId` → `OriginateWithId`, `CallerID` → `CallerId`.
pub(crate) fn type_name(name: &str) -> String {
    match SPELLED.iter().find(|(asterisk, _)| *asterisk == name) {
        Some((_, rust)) => (*rust).to_owned(),
        None => words(name).iter().map(|word| capitalised(word)).collect(),
    }
}

/// `absorbDTMF` → `absorb_dtmf`; `type`, a keyword, → `kind`.
pub(crate) fn field(name: &str) -> String {
    match name {
        "type" => "kind".to_owned(),
        _ => words(name).join("_"),
    }
}

/// `Dialing Offhook` → `DialingOffhook`, `NOT_INUSE` → `NotInuse`.
pub(crate) fn variant(value: &str) -> String {
    match value {
        "*" => "Star".to_owned(),
        "#" => "Hash".to_owned(),
        _ => words(value).iter().map(|word| capitalised(word)).collect(),
    }
}

/// The name of the enumeration that `owner` (a model, or a resource) lists for its property or parameter `name`.
pub(crate) fn enumeration(owner: &str, name: &str) -> String {
    match ENUMERATIONS.iter().find(|(listed, listed_name, _)| *listed == owner && *listed_name == name) {
        Some((_, _, rust)) => (*rust).to_owned(),
        None if owner.starts_with(|first: char| first.is_uppercase()) => type_name(owner) + &type_name(name),
        None => type_name(name),
    }
}

/// The words of a name in lower case: split where it is not alphanumeric, before a capital that follows a small
/// letter, and before the last capital of a run that a small letter follows (`RESTHeader` → `rest`, `header`).
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        let previous = index.checked_sub(1).map(|before| letters[before]);
        let next = letters.get(index + 1);
        let starts_word = letter.is_uppercase()
            && previous.is_some_and(|previous| {
                previous.is_lowercase() || (previous.is_uppercase() && next.is_some_and(|next| next.is_lowercase()))
            });
        if (starts_word || !letter.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_rust_names() {
        for (asterisk, rust) in [
            ("originateWithId", "OriginateWithId"),
            ("sendDTMF", "SendDtmf"),
            ("CallerID", "CallerId"),
            ("DialplanCEP", "DialplanCep"),
            ("RESTHeader", "RestHeader"),
            ("RTPstat", "RtpStat"),
            ("rtpstatistics", "RtpStatistics"),
            ("transfer_progress", "TransferProgress"),
        ] {
            assert_eq!(type_name(asterisk), rust);
        }
        for (asterisk, rust) in [("absorbDTMF", "absorb_dtmf"), ("channelId", "channel_id"), ("type", "kind")] {
            assert_eq!(field(asterisk), rust);
        }
        for (asterisk, rust) in [("Pre-ring", "PreRing"), ("NOT_INUSE", "NotInuse"), ("*", "Star"), ("Up", "Up")] {
            assert_eq!(variant(asterisk), rust);
        }
    }
}
