//! What a text says of the caller that a callee has to see.

use calltest_core::caller::ExpectedCaller;

use crate::path::Path;
use crate::quoting::quoted;
use crate::readers;
use crate::rules;
use crate::scalar::BadValue;

/// What a callee has to see of a caller: `any`, which is `None`; `anonymous`; a pattern, or a number.
pub(crate) fn expected_caller(text: &str) -> Result<Option<ExpectedCaller>, BadValue> {
    match text.trim() {
        "any" => Ok(None),
        "anonymous" => Ok(Some(ExpectedCaller::Withheld)),
        pattern if pattern.starts_with('_') => match rules::pattern(pattern, &Path::TOP) {
            Ok(pattern) => Ok(Some(ExpectedCaller::Pattern(pattern))),
            Err(_) => Err(BadValue::Wrong(format!("{} is no pattern for numbers", quoted(pattern)))),
        },
        number => readers::phone_number(number).map(|number| Some(ExpectedCaller::Number(number))),
    }
}
