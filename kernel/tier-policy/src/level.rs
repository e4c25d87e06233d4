//! The table of levels, and the tiers that follow from it.
//!
//! A level is a row of [`TABLE`]: a code generator, how hard it tries, and what its code does. Everything else, the
//! policy, the engine, snapshots and profiles, asks a row for what it can, and counts rows by [`LEVELS`]. The engine's
//! C++ part gets the table from its build script. So a new code generator is a variant of [`Generator`], its rows here,
//! and a folder in `kernel/engine/cpp/codegen`.

use core::fmt;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::costs::{Line, Running};

/// What makes native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generator {
    /// LLVM's passes and its code generator for the target; its optimisation levels are 0 to 3.
    Llvm,
    /// Cranelift, which does not know everything; its optimisation levels are 0 and 1.
    Cranelift,
    /// MIR, which knows less; it has one level.
    Mir,
    /// QBE, which knows less; it has one level.
    Qbe,
}

impl Generator {
    /// Its name in profiles and snapshots, and its folder's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Llvm => "llvm",
            Self::Cranelift => "cranelift",
            Self::Mir => "mir",
            Self::Qbe => "qbe",
        }
    }
}

/// What the code of a level counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Calls, and the iterations of all loops.
    Everything,
    /// Calls, and the iterations of loops in which something stands anyway: a call, or another loop.
    NotFlatLoops,
    /// Nothing: it is the code that stays.
    Nothing,
}

/// What a level does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// What its code counts, and leaves for better code.
    pub counts: Counting,
    /// Whether its code notes how control goes in it, and what its calls take.
    pub notes: bool,
    /// Whether it is optimised at all. What is not is made fast, with large frames.
    pub optimises: bool,
    /// Whether functions are inlined, by what lower levels have noted.
    pub inlines: bool,
    /// Whether its code is for the processor at hand, and not for the least of all.
    pub for_processor: bool,
    /// Whether the generator does not know everything: what it refuses goes to the next level.
    pub may_refuse: bool,
}

/// When a unit is due for a level, where the policy goes by counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// At this call of a function.
    pub(crate) calls: u64,
    /// At this iteration of a loop: a loop that is worth leaving slow code for gets light code first, and the best when
    /// it has proved to be long.
    pub(crate) iterations: Option<u64>,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The level's name, which no other row has.
    pub name: &'static str,
    /// What makes its code.
    pub generator: Generator,
    /// How hard the generator tries, as it counts that itself.
    pub optimisation: u8,
    /// What the level does.
    pub capabilities: Capabilities,
    /// What compiling takes, in cycles, before anything is learnt: fitted by eye to the compilations of Lua and SQLite
    /// that profiles show, on a processor of Zen 4 at 2.6 GHz.
    pub(crate) compiling: Line,
    /// What its code takes there.
    pub(crate) running: Running,
    /// When it is due, if nothing else is set.
    pub(crate) due: Due,
}

const UNOPTIMISED: Capabilities = Capabilities {
    counts: Counting::Everything,
    notes: true,
    optimises: false,
    inlines: false,
    for_processor: false,
    may_refuse: false,
};

const REFUSING: Capabilities = Capabilities {
    may_refuse: true,
    ..UNOPTIMISED
};

/// All levels, the lowest first: of one generator, each makes better code than those before it, and takes longer.
pub const TABLE: [Row; 8] = [
    Row {
        name: "QBE",
        generator: Generator::Qbe,
        optimisation: 0,
        capabilities: REFUSING,
        compiling: Line {
            base: 3e5,
            each: 6e3,
        },
        running: Running {
            call: Line {
                base: 25.0,
                each: 1.5,
            },
            iteration: Line {
                base: 5.0,
                each: 1.5,
            },
        },
        due: Due {
            calls: 10,
            iterations: None,
        },
    },
    Row {
        name: "C0",
        generator: Generator::Cranelift,
        optimisation: 0,
        capabilities: REFUSING,
        compiling: Line {
            base: 4e5,
            each: 7e3,
        },
        running: Running {
            call: Line {
                base: 25.0,
                each: 1.4,
            },
            iteration: Line {
                base: 5.0,
                each: 1.4,
            },
        },
        due: Due {
            calls: 10,
            iterations: None,
        },
    },
    Row {
        name: "O0",
        generator: Generator::Llvm,
        optimisation: 0,
        capabilities: UNOPTIMISED,
        compiling: Line {
            base: 9e5,
            each: 1.4e4,
        },
        running: Running {
            call: Line {
                base: 25.0,
                each: 1.5,
            },
            iteration: Line {
                base: 5.0,
                each: 1.5,
            },
        },
        due: Due {
            calls: 10,
            iterations: None,
        },
    },
    Row {
        name: "MIR",
        generator: Generator::Mir,
        optimisation: 0,
        capabilities: Capabilities {
            optimises: true,
            ..REFUSING
        },
        compiling: Line {
            base: 5e5,
            each: 1.4e4,
        },
        running: Running {
            call: Line {
                base: 20.0,
                each: 1.0,
            },
            iteration: Line {
                base: 3.0,
                each: 1.0,
            },
        },
        due: Due {
            calls: 100,
            iterations: Some(1_000),
        },
    },
    Row {
        name: "C1",
        generator: Generator::Cranelift,
        optimisation: 1,
        capabilities: Capabilities {
            optimises: true,
            ..REFUSING
        },
        compiling: Line {
            base: 6e5,
            each: 1.5e4,
        },
        running: Running {
            call: Line {
                base: 20.0,
                each: 0.8,
            },
            iteration: Line {
                base: 3.0,
                each: 0.8,
            },
        },
        due: Due {
            calls: 100,
            iterations: Some(1_000),
        },
    },
    Row {
        name: "O1",
        generator: Generator::Llvm,
        optimisation: 1,
        capabilities: Capabilities {
            optimises: true,
            ..UNOPTIMISED
        },
        compiling: Line {
            base: 3.5e6,
            each: 8e4,
        },
        running: Running {
            call: Line {
                base: 20.0,
                each: 0.5,
            },
            iteration: Line {
                base: 3.0,
                each: 0.5,
            },
        },
        due: Due {
            calls: 100,
            iterations: Some(1_000),
        },
    },
    Row {
        name: "O2",
        generator: Generator::Llvm,
        optimisation: 2,
        capabilities: Capabilities {
            counts: Counting::NotFlatLoops,
            notes: false,
            optimises: true,
            inlines: true,
            ..UNOPTIMISED
        },
        compiling: Line {
            base: 4e6,
            each: 1.5e5,
        },
        running: Running {
            call: Line {
                base: 6.0,
                each: 0.44,
            },
            iteration: Line {
                base: 0.0,
                each: 0.44,
            },
        },
        due: Due {
            calls: 1_000,
            iterations: None,
        },
    },
    Row {
        name: "O3",
        generator: Generator::Llvm,
        optimisation: 3,
        capabilities: Capabilities {
            counts: Counting::Nothing,
            notes: false,
            optimises: true,
            inlines: true,
            for_processor: true,
            ..UNOPTIMISED
        },
        compiling: Line {
            base: 5e6,
            each: 2.5e5,
        },
        running: Running {
            call: Line {
                base: 3.0,
                each: 0.4,
            },
            iteration: Line {
                base: 0.0,
                each: 0.4,
            },
        },
        due: Due {
            calls: 10_000,
            iterations: Some(100_000),
        },
    },
];

/// How hard native code is optimised: the number of a row of [`TABLE`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

/// All levels, the lowest first.
pub const LEVELS: [Level; TABLE.len()] = {
    let mut levels = [Level(0); TABLE.len()];
    let mut index = 1;
    while index < levels.len() {
        levels[index] = Level(index as u8);
        index += 1;
    }
    levels
};

/// For settings, tests and tools that mean LLVM's levels by their names.
impl Level {
    /// QBE's only one.
    pub const QBE: Self = Self(0);
    /// Cranelift's, which does not optimise.
    pub const C0: Self = Self(1);
    /// LLVM's, which does not optimise.
    pub const O0: Self = Self(2);
    /// MIR's only one.
    pub const MIR: Self = Self(3);
    /// Cranelift's, which optimises.
    pub const C1: Self = Self(4);
    /// LLVM's, which optimises lightly.
    pub const O1: Self = Self(5);
    /// LLVM's, which optimises much.
    pub const O2: Self = Self(6);
    /// LLVM's, which optimises most, for the processor at hand.
    pub const O3: Self = Self(7);
}

impl Level {
    /// The lowest whose generator refuses nothing.
    pub const LOWEST_FOR_ALL: Self = {
        let mut index = 0;
        while TABLE[index].capabilities.may_refuse {
            index += 1;
        }
        LEVELS[index]
    };
    /// What every hot function has in the end.
    pub const BEST: Self = LEVELS[LEVELS.len() - 1];

    /// Its row in the table.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        &TABLE[self.index()]
    }

    /// What it does.
    #[must_use]
    pub const fn can(self) -> Capabilities {
        self.row().capabilities
    }

    /// Its place among the levels.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// `O0` to `O3` of LLVM, `C0` and `C1` of Cranelift, `MIR`, `QBE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The level of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        LEVELS.into_iter().find(|level| level.name() == name)
    }

    /// The next better level.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        LEVELS.get(self.index() + 1).copied()
    }

    /// What a program is compiled at, all of it, that cannot go from level to level while it runs: the best level for
    /// its price, of which the lowest that inlines is one.
    #[must_use]
    pub fn of_whole_programs() -> Self {
        let found = LEVELS.into_iter().find(|level| level.can().inlines);
        found.unwrap_or(Self::BEST)
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// As its name.
impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name(Self::from_name, "the name of a level"))
    }
}

/// All tiers, the slowest first.
pub const TIERS: [Tier; 1 + LEVELS.len()] = {
    let mut tiers = [Tier::Interpreter; 1 + LEVELS.len()];
    let mut index = 0;
    while index < LEVELS.len() {
        tiers[1 + index] = Tier::Native(LEVELS[index]);
        index += 1;
    }
    tiers
};

/// How a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// In LLVM's interpreter.
    Interpreter,
    /// As native code.
    Native(Level),
}

impl Tier {
    /// Its place among the tiers.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Interpreter => 0,
            Self::Native(level) => 1 + level.index(),
        }
    }

    /// `interpreter`, or the level's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interpreter => "interpreter",
            Self::Native(level) => level.name(),
        }
    }

    /// The tier of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TIERS.into_iter().find(|tier| tier.name() == name)
    }
}

/// As its name.
impl Serialize for Tier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name(Self::from_name, "the name of a tier"))
    }
}

/// Reads something by its name.
struct Name<T>(fn(&str) -> Option<T>, &'static str);

impl<T> serde::de::Visitor<'_> for Name<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.1)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
        (self.0)(name).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    extern crate std;

    #[test]
    fn rows_have_names_of_their_own() {
        let names: BTreeSet<&str> = TIERS.into_iter().map(Tier::name).collect();
        assert_eq!(names.len(), TIERS.len());
        for tier in TIERS {
            assert_eq!(Tier::from_name(tier.name()), Some(tier));
            assert_eq!(TIERS[tier.index()], tier);
        }
        assert_eq!(Tier::from_name("O4"), None);
    }

    /// What counts leaves for something better, and what notes is below what makes use of it.
    #[test]
    fn the_table_leads_up() {
        for level in LEVELS {
            let can = level.can();
            assert_eq!(can.counts == Counting::Nothing, level == Level::BEST);
            assert_ne!(can.notes, can.inlines);
            let next = level.next().map(Level::can);
            assert!(next.is_none_or(|next| next.optimises >= can.optimises));
            assert!(next.is_none_or(|next| next.inlines >= can.inlines));
        }
        assert!(!Level::BEST.can().may_refuse);
        assert_eq!(Level::BEST.next(), None);
    }

    /// The policy's answers for the rows that there are.
    #[test]
    fn rows_are_found_by_what_they_do() {
        for (level, name) in [
            (Level::QBE, "QBE"),
            (Level::C0, "C0"),
            (Level::O0, "O0"),
            (Level::MIR, "MIR"),
            (Level::C1, "C1"),
            (Level::O1, "O1"),
            (Level::O2, "O2"),
            (Level::O3, "O3"),
        ] {
            assert_eq!(level.name(), name);
        }
        assert_eq!(Level::of_whole_programs(), Level::O2);
        assert_eq!(Level::BEST, Level::O3);
    }
}
