//! What is compiled together with a function that needs its first code. The code generator takes as long to start as it
//! takes for some dozens of instructions: whoever is compiled in company pays for its own instructions only.

use crate::Level;
use crate::costs::{compiled_alone, compiled_in_company};

/// A function that has no code and may soon be called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub unit: u32,
    /// How large it is, in instructions of its IR.
    pub instructions: u32,
    /// How likely it is to be called; `None` where nothing is known but that it stands near the other.
    pub likelihood: Option<f64>,
}

/// What is known of the candidates so far.
#[derive(Clone, Debug, Default)]
pub struct Company {
    neighbours: Seen,
}

/// How many were compiled in company, and how many of them have been called since.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    compiled: u32,
    called: u32,
}

/// What is compiled at once, at most: a pause of some milliseconds.
const MOST_UNITS: usize = 32;
const MOST_INSTRUCTIONS: u32 = 2_000;
/// Before anything is seen, every other neighbour is called; that is as certain as so many that were seen.
const PRIOR: f64 = 8.0;

impl Company {
    /// Notes that so many neighbours were compiled in company.
    pub fn neighbours_compiled(&mut self, count: u32) {
        self.neighbours.compiled += count;
    }

    /// Notes that so many of these have been called since.
    pub fn neighbours_called(&mut self, count: u32) {
        self.neighbours.called += count;
    }

    /// Which candidates are compiled at `level` with a function of so many instructions: those whose calls to come, by
    /// their likelihood, would cost more if they were compiled alone than compiling them now does.
    pub fn choose<T: IntoIterator<Item = Candidate>>(
        &self,
        level: Level,
        instructions: u32,
        candidates: T,
    ) -> impl Iterator<Item = Candidate> + use<T> {
        let mut total = instructions;
        let seen = self.neighbours;
        let of_neighbours =
            (f64::from(seen.called) + PRIOR / 2.0) / (f64::from(seen.compiled) + PRIOR);
        let is_worth_it = move |candidate: &Candidate| {
            let likelihood = candidate.likelihood.unwrap_or(of_neighbours);
            let alone = compiled_alone(level, candidate.instructions);
            let in_company = compiled_in_company(level, candidate.instructions);
            let fits = total + candidate.instructions <= MOST_INSTRUCTIONS;
            let is_worth_it = fits && likelihood * alone > in_company;
            if is_worth_it {
                total += candidate.instructions;
            }
            is_worth_it
        };
        candidates
            .into_iter()
            .filter(is_worth_it)
            .take(MOST_UNITS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    extern crate std;

    fn chosen(company: &Company, candidates: &[Candidate]) -> Vec<Candidate> {
        company
            .choose(Level::O0, 10, candidates.iter().copied())
            .collect()
    }

    fn candidate(unit: u32, instructions: u32, likelihood: Option<f64>) -> Candidate {
        Candidate {
            unit,
            instructions,
            likelihood,
        }
    }

    #[test]
    fn the_small_and_the_likely_come_along() {
        let candidates = [
            candidate(1, 20, Some(1.0)),
            candidate(2, 20, Some(0.1)),
            candidate(3, 1_500, Some(0.5)),
            candidate(4, 1_500, Some(1.0)),
            candidate(5, 1_500, Some(1.0)),
        ];
        let units: Vec<u32> = chosen(&Company::default(), &candidates)
            .iter()
            .map(|chosen| chosen.unit)
            .collect();
        assert_eq!(units, [1, 4]);
    }

    #[test]
    fn neighbours_that_nobody_calls_stay_away() {
        let neighbours: Vec<Candidate> = (0..8).map(|unit| candidate(unit, 50, None)).collect();
        let mut company = Company::default();
        assert_eq!(chosen(&company, &neighbours).len(), 8);
        company.neighbours_compiled(100);
        assert_eq!(chosen(&company, &neighbours).len(), 0);
        company.neighbours_called(90);
        assert_eq!(chosen(&company, &neighbours).len(), 8);
    }

    proptest! {
        /// If likelihoods are right, company costs no more than compiling everything alone when it is called.
        #[test]
        fn company_pays_on_average(
            given in prop::collection::vec((1_u32..5_000, 0.0..1.0_f64), 0..100),
        ) {
            let candidates: Vec<Candidate> = (0..)
                .zip(given)
                .map(|(unit, (instructions, likelihood))| candidate(unit, instructions, Some(likelihood)))
                .collect();
            let chosen = chosen(&Company::default(), &candidates);
            prop_assert!(chosen.len() < MOST_UNITS);
            let (mut now, mut later, mut total) = (0.0, 0.0, 0);
            for chosen in chosen {
                now += compiled_in_company(Level::O0, chosen.instructions);
                later += chosen.likelihood.unwrap() * compiled_alone(Level::O0, chosen.instructions);
                total += chosen.instructions;
            }
            prop_assert!(now <= later && total <= MOST_INSTRUCTIONS);
        }
    }
}
