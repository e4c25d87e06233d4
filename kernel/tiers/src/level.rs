//! The tiers.

use serde::{Deserialize, Serialize};

/// How hard native code is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Not at all.
    O0,
    /// Lightly.
    O1,
    /// Much.
    O2,
    /// Most, for the processor at hand.
    O3,
}

/// All levels, the lowest first.
pub const LEVELS: [Level; 4] = [Level::O0, Level::O1, Level::O2, Level::O3];

impl Level {
    /// Its place among the levels.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// `O0` to `O3`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["O0", "O1", "O2", "O3"][self.index()]
    }
}

/// All tiers, the slowest first.
pub const TIERS: [Tier; 5] = [
    Tier::Interpreter,
    Tier::Native(Level::O0),
    Tier::Native(Level::O1),
    Tier::Native(Level::O2),
    Tier::Native(Level::O3),
];

/// How a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "TierName", from = "TierName")]
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

/// The names of the tiers, as they are written.
#[derive(Serialize, Deserialize)]
enum TierName {
    #[serde(rename = "interpreter")]
    Interpreter,
    O0,
    O1,
    O2,
    O3,
}

impl From<Tier> for TierName {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Interpreter => Self::Interpreter,
            Tier::Native(Level::O0) => Self::O0,
            Tier::Native(Level::O1) => Self::O1,
            Tier::Native(Level::O2) => Self::O2,
            Tier::Native(Level::O3) => Self::O3,
        }
    }
}

impl From<TierName> for Tier {
    fn from(name: TierName) -> Self {
        TIERS[name as usize]
    }
}
