//! The code generator that this kernel has.

use bareflow_lir::{Error, Function};
use bareflow_machine_code::MachineCode;

pub(crate) use chosen::Generator;

/// What is asked of a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Code as fast as possible.
    Least,
    /// Code that is fast.
    Most,
}

/// A code generator.
pub(crate) trait Generate: Sized {
    /// Whether there is a difference between efforts.
    const HAS_TIERS: bool;

    /// # Errors
    /// [`Error`].
    fn open(effort: Effort) -> Result<Self, Error>;

    /// The code of a function.
    ///
    /// # Errors
    /// [`Error`].
    fn code(&mut self, function: &Function) -> Result<MachineCode, Error>;
}

#[cfg(feature = "cranelift")]
mod chosen {
    use bareflow_cranelift::Optimisation;

    use super::{Effort, Error, Function, Generate, MachineCode};

    #[derive(Debug)]
    pub(crate) struct Generator(bareflow_cranelift::Generator);

    impl Generate for Generator {
        const HAS_TIERS: bool = true;

        fn open(effort: Effort) -> Result<Self, Error> {
            let optimisation = match effort {
                Effort::Least => Optimisation::None,
                Effort::Most => Optimisation::Speed,
            };
            bareflow_cranelift::Generator::new(optimisation).map(Self)
        }

        fn code(&mut self, function: &Function) -> Result<MachineCode, Error> {
            self.0.code(function)
        }
    }
}

#[cfg(not(feature = "cranelift"))]
mod chosen {
    #[cfg(feature = "mir")]
    use bareflow_mir::code;
    #[cfg(all(feature = "qbe", not(feature = "mir")))]
    use bareflow_qbe::code;

    use super::{Effort, Error, Function, Generate, MachineCode};

    /// Where this crate is only checked there is none.
    #[cfg(not(any(feature = "mir", feature = "qbe")))]
    fn code(_function: &Function) -> Result<MachineCode, Error> {
        Err(Error::Refused("this kernel has no code generator".into()))
    }

    #[derive(Debug)]
    pub(crate) struct Generator;

    impl Generate for Generator {
        const HAS_TIERS: bool = false;

        fn open(_effort: Effort) -> Result<Self, Error> {
            Ok(Self)
        }

        fn code(&mut self, function: &Function) -> Result<MachineCode, Error> {
            code(function)
        }
    }
}
