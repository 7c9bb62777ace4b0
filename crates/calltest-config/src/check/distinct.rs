//! Numbers that cannot be mistaken for each other, however many there are.

use std::collections::BTreeSet;

use calltest_core::number::significant;

/// Numbers of which no two [end alike](calltest_core::number::end_alike). Adding one does not compare it with all others.
#[derive(Debug, Clone, Default)]
pub(super) struct Distinct {
    /// The significant parts, each written backwards. Two numbers end alike if one of these begins with the other. The set
    /// is sorted, so only neighbours have to be compared.
    reversed: BTreeSet<Vec<u8>>,
    has_empty: bool,
}

impl Distinct {
    /// Takes in a number, unless it ends like one that there is already. Tells whether it was taken in.
    pub(super) fn insert(&mut self, number: &str) -> bool {
        let reversed: Vec<u8> = significant(number).bytes().rev().collect();
        if reversed.is_empty() {
            return !std::mem::replace(&mut self.has_empty, true);
        }
        let before = self.reversed.range(..=reversed.clone()).next_back();
        let after = self.reversed.range(reversed.clone()..).next();
        let is_distinct = !before.is_some_and(|before| reversed.starts_with(before))
            && !after.is_some_and(|after| after.starts_with(&reversed));
        is_distinct && self.reversed.insert(reversed)
    }
}

#[cfg(test)]
mod tests {
    use calltest_core::number::end_alike;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn distinct_numbers_are_those_that_do_not_end_alike(numbers in prop::collection::vec("[+0-2]{0,4}", 0..12)) {
            let mut distinct = Distinct::default();
            let mut taken: Vec<&str> = Vec::new();
            for number in &numbers {
                let is_new = !taken.iter().any(|other| end_alike(number, other));
                prop_assert_eq!(distinct.insert(number), is_new, "{} after {:?}", number, taken);
                taken.extend(is_new.then_some(number.as_str()));
            }
        }
    }
}
