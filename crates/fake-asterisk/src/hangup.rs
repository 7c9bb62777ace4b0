//! The tables of hangup: `reason` words, Q.850 causes, SIP answers, dial statuses. Measured on Asterisk 22.10.1.

/// The cause that a word in `DELETE /channels/{id}?reason=` stands for.
pub(crate) fn cause_of_reason(reason: &str) -> Option<u16> {
    Some(match reason {
        "normal" => 16,
        "busy" => 17,
        "timeout" => 18,
        "no_answer" => 19,
        "rejected" => 21,
        "answered_elsewhere" => 26,
        "number_incomplete" => 28,
        "normal_unspecified" => 31,
        "congestion" => 34,
        "failure" => 38,
        "codec_mismatch" => 58,
        "unallocated" => 1,
        "interworking" => 127,
        _ => return None,
    })
}

/// The SIP code with which an unanswered call is refused for a cause, and the cause that its caller makes of that code.
pub(crate) fn sip_answer(cause: u16) -> (u16, u16) {
    match cause {
        1 => (404, 1),
        17 => (486, 17),
        18 => (408, 18),
        19 | 20 | 31 => (480, 19),
        21 => (403, 21),
        22 => (410, 22),
        27 => (502, 27),
        28 => (484, 28),
        34 => (503, 34),
        38 | 127 => (500, 38),
        58 => (488, 58),
        _ => (603, 21),
    }
}

/// The code shown for a cause as `tech_cause` by both ends of a call over SIP that has ended; a normal end has none.
pub(crate) fn bye_code(cause: u16) -> Option<u16> {
    match cause {
        0 | 16 => None,
        _ => Some(sip_answer(cause).0),
    }
}

/// The final `dialstatus` of a call that was refused with a cause.
pub(crate) fn dialstatus(cause: u16) -> &'static str {
    match cause {
        17 => "BUSY",
        34 => "CONGESTION",
        _ => "NOANSWER",
    }
}
