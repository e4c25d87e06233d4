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

    fn reason(error: Error) -> String {
        match error {
            Error::Refused(reason) | Error::Failed(reason) => reason,
        }
    }

    /// Whether there will be code of the function, however it is asked for.
    fn accepts(generators: &mut [Generator], function: &Function) -> Result<(), String> {
        generators
            .iter_mut()
            .try_for_each(|generator| generator.code(function).map(drop).map_err(reason))
    }

    pub(crate) fn run(bundle: &Bundle, generator: &[u8]) -> Outcome {
        if generator != b"cranelift" {
            let name = String::from_utf8_lossy(generator);
            return bad_program(format!("there is no code generator '{name}'"));
        }
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
                accepts(&mut generators, function)
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
