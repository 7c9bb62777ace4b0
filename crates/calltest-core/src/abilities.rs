//! What an engine can show of a call.
//!
//! Not every engine sees everything: one tells SIP codes and another none. What it cannot show is said here, so that the
//! check of the configuration and the judge can say "this link cannot show that" instead of guessing.

/// What an engine can show of a call, or what one server was seen to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// It tells the SIP status with which a call ended. For tests whose `causes` name SIP codes.
    pub sip_codes: bool,
    /// It tells early media (SIP 183) apart from ringing (180). For tests that require or forbid early media.
    pub early_media: bool,
    /// It carries digits in both directions at once. For mode `dtmf`, which otherwise sends one direction after the
    /// other.
    pub digits_both_ways: bool,
    /// It hears exactly the samples that arrived. For proofs of voice that measure rather than compare.
    pub exact_samples: bool,
    /// It tells the loss and jitter of RTP packets. For limits on the quality of the way.
    pub packet_figures: bool,
    /// It tells that a call was forwarded, and where to. For tests that require or forbid a forwarding.
    pub forwarding: bool,
    /// It tells a caller ID that is withheld from one that is not known. For tests that expect a withheld one.
    pub presentation: bool,
}

impl Abilities {
    /// Of an engine that shows all there is.
    pub const ALL: Self = Self {
        sip_codes: true,
        early_media: true,
        digits_both_ways: true,
        exact_samples: true,
        packet_figures: true,
        forwarding: true,
        presentation: true,
    };

    /// Of Asterisk at its best. SIP codes it tells from 22.7 on.
    pub const ASTERISK: Self = Self {
        sip_codes: true,
        early_media: true,
        digits_both_ways: false,
        exact_samples: false,
        packet_figures: false,
        forwarding: true,
        presentation: false,
    };
}
