//! The kernel as a translator: a program goes in as bitcode, and comes out in the form of a code generator, for a kernel
//! that has no LLVM.

use alloc::string::String;

use bareflow_bundle::Bundle;

use crate::Outcome;
use crate::launch::bad_program;

#[cfg(not(feature = "generators"))]
pub(crate) fn run(_bundle: &Bundle, _generator: &[u8]) -> Outcome {
    bad_program(String::from("this kernel has no code generator but LLVM's"))
}

#[cfg(feature = "generators")]
pub(crate) use with_generators::run;

#[cfg(feature = "generators")]
mod with_generators {
    use alloc::format;
    use alloc::string::ToString;

    use bareflow_bundle::MODULE;
    use bareflow_cranelift::{Generator, Optimisation};
    use bareflow_lir::{Error, Function};
    use bareflow_translator::translate_program;

    use super::{Bundle, Outcome, String, bad_program};

    /// Makes code of a function, to see whether there will be some.
    type Accepts = fn(&mut [Generator], &Function) -> Result<(), Error>;

    /// By the names of generators.
    const GENERATORS: [(&[u8], Accepts); 3] = [
        (b"cranelift", |generators, function| {
            generators
                .iter_mut()
                .try_for_each(|generator| generator.code(function).map(drop))
        }),
        (b"mir", |_, function| bareflow_mir::code(function).map(drop)),
        (b"qbe", |_, function| bareflow_qbe::code(function).map(drop)),
    ];

    pub(crate) fn run(bundle: &Bundle, generator: &[u8]) -> Outcome {
        let mut known = GENERATORS.iter();
        let Some((_, accepts)) = known.find(|(name, _)| *name == generator) else {
            let name = String::from_utf8_lossy(generator);
            return bad_program(format!("there is no code generator '{name}'"));
        };
        let mut modules = bundle.with_prefix(MODULE);
        let (Some(module), None) = (modules.next(), modules.next()) else {
            return bad_program("one module is translated, which is the whole program".to_string());
        };
        let generators = [Optimisation::None, Optimisation::Speed].map(Generator::new);
        let [Ok(fast), Ok(good)] = generators else {
            return bad_program("Cranelift does not know this target".to_string());
        };
        let mut generators = [fast, good];
        // SAFETY: kernels run the first constructors when they start. What makes the bundle has had the module verified.
        let translation = unsafe {
            bareflow_cxx_runtime::run_late_constructors();
            translate_program(module.contents, |function| {
                accepts(&mut generators, function).map_err(|error| match error {
                    Error::Refused(reason) | Error::Failed(reason) => reason,
                })
            })
        };
        match translation {
            Some(translation) => {
                bareflow_cxx_runtime::platform().write_profile(&translation.encode());
                Outcome::Exit(0)
            }
            None => bad_program(format!("{}: this is not bitcode", module.name)),
        }
    }
}
