//! Which of the things that a fault could strike it does strike: the first or later ones, and so many.

use crate::chance::Chance;

/// How a fault chooses among the things that it could strike, and how often it did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// How many more of them it lets pass first.
    pub(crate) passes: usize,
    /// How many more it strikes; `None` is all.
    pub(crate) remaining: Option<usize>,
}

/// Faults of one kind that are in force, in the order in which they were added: what each could strike (`M`), and what
/// it does to that (`A`).
#[derive(Debug)]
pub(crate) struct Rules<M, A>(Vec<Rule<M, A>>);

#[derive(Debug)]
struct Rule<M, A> {
    number: u64,
    matcher: M,
    selection: Selection,
    chance: Chance,
    action: A,
    strikes: usize,
}

impl<M, A> Default for Rules<M, A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M, A: Clone> Rules<M, A> {
    /// Adds a fault under a number that no other has.
    pub(crate) fn add(&mut self, (number, chance): (u64, Chance), matcher: M, selection: Selection, action: A) {
        self.0.push(Rule { number, matcher, selection, chance, action, strikes: 0 });
    }

    /// What the first fault that strikes does; the others are not asked. Its chance serves whatever it leaves to chance.
    pub(crate) fn strike(&mut self, is_match: impl Fn(&M) -> bool) -> Option<(A, &mut Chance)> {
        let rule = self.0.iter_mut().filter(|rule| is_match(&rule.matcher)).find_map(Rule::strike)?;
        Some((rule.action.clone(), &mut rule.chance))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Ends the fault of this number; whether there was one.
    pub(crate) fn end(&mut self, number: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|rule| rule.number != number);
        self.0.len() < before
    }

    /// How often the fault of this number has struck.
    pub(crate) fn strikes(&self, number: u64) -> Option<usize> {
        self.0.iter().find(|rule| rule.number == number).map(|rule| rule.strikes)
    }
}

impl<M, A> Rule<M, A> {
    /// Counts something that it could strike; itself, if it does.
    fn strike(&mut self) -> Option<&mut Self> {
        if self.selection.remaining == Some(0) {
            return None;
        }
        if self.selection.passes > 0 {
            self.selection.passes -= 1;
            return None;
        }
        if let Some(remaining) = &mut self.selection.remaining {
            *remaining -= 1;
        }
        self.strikes += 1;
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_passes_over_the_first_and_ends_when_it_is_used_up() {
        let mut rules = Rules::default();
        let third_and_fourth = Selection { passes: 2, remaining: Some(2) };
        rules.add((1, Chance::seeded(0)), (), third_and_fourth, ());
        let struck: Vec<usize> = (0..100).filter(|_| rules.strike(|()| true).is_some()).collect();
        assert_eq!(struck, [2, 3]);
    }

    #[test]
    fn a_fault_that_lets_something_pass_leaves_it_to_the_next() {
        let mut rules = Rules::default();
        let second = Selection { passes: 1, ..Selection::default() };
        rules.add((1, Chance::seeded(0)), "a", second, "first rule");
        rules.add((2, Chance::seeded(0)), "a", Selection::default(), "second rule");
        rules.add((3, Chance::seeded(0)), "b", Selection::default(), "another matter");
        let mut strike = || rules.strike(|matcher| *matcher == "a").map(|(action, _)| action);
        assert_eq!([strike(), strike()], [Some("second rule"), Some("first rule")]);
        assert_eq!([1, 2, 3].map(|number| rules.strikes(number)), [Some(1), Some(1), Some(0)]);
        assert!(rules.end(1) && !rules.end(1));
    }
}
