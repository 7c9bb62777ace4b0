//! What happens in a call: its script, with the digits, sounds and recordings that its mode needs.

use std::time::Duration;

use calltest_core::dtmf;
use calltest_core::plan::{Audio, BothScript, DigitChoice, Dtmf, InScript, OutScript};

use super::call::Call;
use crate::diagnostic::Finding;
use crate::mode::{BothMode, InMode, OutMode};
use crate::readers;
use crate::report::Reported;
use crate::scalar;

/// Asterisk makes tones at least this long.
const SHORTEST_TONE: Duration = Duration::from_millis(100);

impl Call<'_, '_, '_> {
    pub(super) fn script_of_both(&mut self, mode: BothMode) -> Result<BothScript, Reported> {
        match mode {
            BothMode::Dtmf => self.dtmf().map(BothScript::Dtmf),
            BothMode::Call => Ok(BothScript::Call { reject_with: self.rejection()? }),
            BothMode::Audio => {
                let audio = self.audio()?;
                if audio.src_in.is_none() && audio.dst_in.is_none() {
                    let message = format!("{} records nothing, so that no sound is proven", self.quoted_name());
                    let hint = "give `audio.src_in` and `audio.dst_in` names";
                    self.report.add(Finding::warning(self.name.place, message).hint(hint));
                }
                Ok(BothScript::Audio(audio))
            }
        }
    }

    pub(super) fn script_out(&mut self, mode: OutMode) -> Result<OutScript, Reported> {
        Ok(match mode {
            OutMode::Ring => OutScript::Ring,
            OutMode::Play => {
                let audio = self.audio()?;
                let record = self.one_recording(&audio)?;
                OutScript::Play { sound: audio.src_out, record }
            }
            OutMode::Fail => OutScript::Fail { within: self.seconds("ringtime", readers::some_seconds)?.value },
            OutMode::Timeout => OutScript::Timeout { ringtime: self.seconds("ringtime", readers::seconds)?.value },
        })
    }

    pub(super) fn script_in(&mut self, mode: InMode) -> Result<InScript, Reported> {
        let audio = self.audio()?;
        Ok(match mode {
            InMode::Wait => InScript::Wait { reject_with: self.rejection()? },
            InMode::Answer => InScript::Answer { sound: audio.dst_out, record: audio.dst_in },
            InMode::Record => InScript::Record { sound: audio.dst_out, record: audio.dst_in },
        })
    }

    fn dtmf(&mut self) -> Result<Dtmf, Reported> {
        let section = self.view.section("dtmf");
        let duration = section.read("duration", readers::milliseconds, self.report)?;
        if duration.value < SHORTEST_TONE {
            let message = format!("Asterisk makes tones of 100 ms out of {} ms", duration.value.as_millis());
            self.report.add(Finding::warning(duration.place, message));
        }
        Ok(Dtmf {
            digits: self.digit_choice()?,
            may_repeat: section.read("may_repeat", scalar::flag, self.report)?.value,
            duration: duration.value.max(SHORTEST_TONE),
            between: section.read("between", readers::milliseconds, self.report)?.value,
        })
    }

    /// The very digits, or those among which they are drawn where their number is given beside them.
    fn digit_choice(&self) -> Result<DigitChoice, Reported> {
        let section = self.view.section("dtmf");
        let len = section.read("len", readers::digit_count, self.report)?;
        Ok(match section.read_optional("digits", readers::dtmf_digits, self.report)? {
            None => DigitChoice::Drawn { len: len.value, alphabet: dtmf::DECIMAL.into() },
            Some(digits) if section.is_replaced("len") => DigitChoice::Given(digits.value),
            Some(alphabet) => DigitChoice::Drawn { len: len.value, alphabet: alphabet.value },
        })
    }

    fn audio(&self) -> Result<Audio, Reported> {
        let section = self.view.section("audio");
        let read = |key| section.read_optional(key, readers::some_text, self.report).map(|at| at.map(|at| at.value));
        Ok(Audio {
            src_out: read("src_out")?,
            src_in: read("src_in")?,
            dst_out: read("dst_out")?,
            dst_in: read("dst_in")?,
        })
    }

    /// What mode `play` records: the manual's key for it and the old program's are not the same.
    fn one_recording(&mut self, audio: &Audio) -> Result<Option<String>, Reported> {
        match (&audio.src_in, &audio.dst_in) {
            (Some(_), Some(_)) => {
                let message = "`audio.src_in` and `audio.dst_in` mean the same in mode `play`";
                let place = self.view.section("audio").node("dst_in").map(|given| self.place_of(&given));
                Err(self.report.add(Finding::error(place.unwrap_or(self.name.place), message).hint("give one of them")))
            }
            (src_in, dst_in) => Ok(src_in.clone().or_else(|| dst_in.clone())),
        }
    }
}
