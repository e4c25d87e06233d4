//! Which tiers a program may be in.

use crate::{LEVELS, Level};

/// Some of the levels, and whether programs are interpreted at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelSet {
    has_interpreter: bool,
    levels: [bool; LEVELS.len()],
}

impl LevelSet {
    /// The interpreter, and the levels of LLVM.
    pub const LLVM: Self = {
        let mut levels = [false; LEVELS.len()];
        let mut index = 0;
        while index < levels.len() {
            levels[index] = matches!(LEVELS[index].row().generator, crate::Generator::Llvm);
            index += 1;
        }
        Self {
            has_interpreter: true,
            levels,
        }
    };

    /// One level alone.
    #[must_use]
    pub fn of(level: Level) -> Self {
        let mut levels = [false; LEVELS.len()];
        levels[level.index()] = true;
        Self {
            has_interpreter: false,
            levels,
        }
    }

    /// The set with these names, separated by commas: `interpreter` and names of levels, the lowest first and at least one
    /// level. `None` if it is none.
    #[must_use]
    pub fn from_names(text: &str) -> Option<Self> {
        let mut found = Self {
            has_interpreter: false,
            levels: [false; LEVELS.len()],
        };
        let mut names = text.split(',').peekable();
        if names.next_if_eq(&"interpreter").is_some() {
            found.has_interpreter = true;
        }
        let mut last = None;
        for name in names {
            let level = Level::from_name(name).filter(|level| Some(*level) > last)?;
            found.levels[level.index()] = true;
            last = Some(level);
        }
        last.map(|_| found)
    }

    /// Whether programs are interpreted at first.
    #[must_use]
    pub const fn has_interpreter(&self) -> bool {
        self.has_interpreter
    }

    /// Whether the level is one of them.
    #[must_use]
    pub const fn contains(&self, level: Level) -> bool {
        self.levels[level.index()]
    }

    /// Its levels, the lowest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Level> + use<> {
        let levels = self.levels;
        LEVELS
            .into_iter()
            .filter(move |level| levels[level.index()])
    }

    /// What every function gets first.
    #[must_use]
    pub fn lowest(&self) -> Level {
        self.lowest_where(|_| true)
    }

    /// What every hot function has in the end.
    #[must_use]
    pub fn best(&self) -> Level {
        self.iter().next_back().unwrap_or(Level::BEST)
    }

    /// The lowest that optimises; the best if none does.
    #[must_use]
    pub fn lowest_optimising(&self) -> Level {
        self.lowest_where(|level| level.can().optimises)
    }

    /// The lowest that `is_right`; the best if none is.
    pub(crate) fn lowest_where(&self, is_right: impl Fn(Level) -> bool) -> Level {
        let found = self.iter().find(|level| is_right(*level));
        found.unwrap_or_else(|| self.best())
    }

    /// All levels from the lowest of the set on, its own first: for what must have code at all.
    pub fn from_lowest(&self) -> impl Iterator<Item = Level> + use<> {
        let lowest = self.lowest();
        core::iter::once(lowest).chain(self.above(lowest))
    }

    /// Where what this level refuses goes: those of the set above it, then the others above it that know everything. What
    /// else there is has no code generator in the kernel.
    pub fn above(&self, level: Level) -> impl Iterator<Item = Level> + use<> {
        let set = *self;
        let all = LEVELS.into_iter().filter(move |above| *above > level);
        let own = all.clone().filter(move |above| set.contains(*above));
        let others = all.filter(move |above| !set.contains(*above) && !above.can().may_refuse);
        own.chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    extern crate std;

    #[test]
    fn sets_are_read() {
        assert_eq!(
            LevelSet::from_names("interpreter,O0,O1,O2,O3"),
            Some(LevelSet::LLVM)
        );
        let set = LevelSet::from_names("C0,O2").unwrap();
        assert!(!set.has_interpreter());
        assert_eq!((set.lowest(), set.best()), (Level::C0, Level::O2));
        assert_eq!(set.lowest_optimising(), Level::O2);
        for text in [
            "",
            "interpreter",
            "O1,O0",
            "O1,O1",
            "O2,interpreter",
            "O4",
            "O0,",
            "O0 O1",
            "o0",
        ] {
            assert_eq!(LevelSet::from_names(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_refused_finds_a_level_that_knows_everything() {
        let set = LevelSet::from_names("interpreter,C0,O2").unwrap();
        let above: Vec<Level> = set.above(Level::C0).collect();
        assert_eq!(above, [Level::O2, Level::O0, Level::O1, Level::O3]);
        let only = LevelSet::from_names("C0").unwrap();
        assert_eq!(only.above(Level::C0).next(), Some(Level::O0));
        let several = LevelSet::from_names("QBE,MIR").unwrap();
        let above: Vec<Level> = several.above(Level::QBE).take(2).collect();
        assert_eq!(above, [Level::MIR, Level::O0]);
        for level in LEVELS {
            let last = LevelSet::LLVM.above(level).last();
            assert!(last.is_none_or(|last| !last.can().may_refuse));
        }
    }
}
