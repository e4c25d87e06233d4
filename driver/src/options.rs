//! clang's options that the driver must know: those with a value of their own, those of linking, and those that
//! say nothing to this target.

/// What an option is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It goes to the compiler.
    Compile,
    /// It goes to the linker, as it is.
    Link,
    /// It is accepted and does nothing.
    Nothing,
    /// It is refused, with this reason.
    Refused(&'static str),
}

/// Options whose value is the next argument, or follows directly.
const WITH_VALUE: &[(&str, Purpose)] = &[
    ("-D", Purpose::Compile),
    ("-U", Purpose::Compile),
    ("-I", Purpose::Compile),
    ("-include", Purpose::Compile),
    ("-imacros", Purpose::Compile),
    ("-isystem", Purpose::Compile),
    ("-iquote", Purpose::Compile),
    ("-idirafter", Purpose::Compile),
    ("-iprefix", Purpose::Compile),
    ("-iwithprefix", Purpose::Compile),
    ("-iwithprefixbefore", Purpose::Compile),
    ("-isysroot", Purpose::Nothing),
    ("--sysroot", Purpose::Nothing),
    ("-MF", Purpose::Compile),
    ("-MT", Purpose::Compile),
    ("-MQ", Purpose::Compile),
    ("-Xclang", Purpose::Compile),
    ("-Xpreprocessor", Purpose::Compile),
    ("-Xassembler", Purpose::Nothing),
    ("-mllvm", Purpose::Compile),
    ("--param", Purpose::Nothing),
    ("-B", Purpose::Nothing),
    ("-u", Purpose::Link),
    ("-z", Purpose::Nothing),
    ("-rpath", Purpose::Nothing),
    ("-T", Purpose::Refused("a program has no linker script")),
    ("-e", Purpose::Refused("a program starts at main")),
];

/// Options that are one word.
const WORDS: &[(&str, Purpose)] = &[
    ("-static", Purpose::Nothing),
    ("-static-libgcc", Purpose::Nothing),
    ("-static-libstdc++", Purpose::Nothing),
    ("-rdynamic", Purpose::Nothing),
    ("-export-dynamic", Purpose::Nothing),
    ("-pie", Purpose::Nothing),
    ("-no-pie", Purpose::Nothing),
    ("-nopie", Purpose::Nothing),
    ("-static-pie", Purpose::Nothing),
    ("-s", Purpose::Nothing),
    ("-pipe", Purpose::Nothing),
    ("-undef", Purpose::Compile),
    ("-m64", Purpose::Nothing),
    ("-mred-zone", Purpose::Nothing),
    ("-nostartfiles", Purpose::Nothing),
    ("-emit-llvm", Purpose::Nothing),
    ("-ffat-lto-objects", Purpose::Nothing),
    ("-fno-lto", Purpose::Nothing),
    ("-fwhole-program", Purpose::Nothing),
    ("-fstack-clash-protection", Purpose::Nothing),
    ("-fno-fat-lto-objects", Purpose::Nothing),
    ("-fuse-linker-plugin", Purpose::Nothing),
    ("-fno-use-linker-plugin", Purpose::Nothing),
    ("-shared", Purpose::Refused(NO_SHARED)),
    ("-dynamiclib", Purpose::Refused(NO_SHARED)),
    ("-m32", Purpose::Refused(ONE_TARGET)),
    ("-mx32", Purpose::Refused(ONE_TARGET)),
    ("-m16", Purpose::Refused(ONE_TARGET)),
];

/// Options that start so.
const PREFIXES: &[(&str, Purpose)] = &[
    ("-flto", Purpose::Nothing),
    ("-fuse-ld=", Purpose::Nothing),
    ("-fcf-protection", Purpose::Nothing),
    ("-fstack-protector", Purpose::Nothing),
    ("-fPI", Purpose::Nothing),
    ("-fpi", Purpose::Nothing),
    ("-fno-PI", Purpose::Nothing),
    ("-fno-pi", Purpose::Nothing),
    ("-mcmodel=", Purpose::Nothing),
    ("-save-temps", Purpose::Nothing),
    ("-stdlib=", Purpose::Nothing),
    ("--sysroot=", Purpose::Nothing),
    ("-Wa,", Purpose::Nothing),
];

const NO_SHARED: &str = "there are no shared libraries; make a static one (with configure: --disable-shared, with CMake: \
     -DBUILD_SHARED_LIBS=OFF)";

const ONE_TARGET: &str = "programs are for x86_64 alone, with 64 bits";

/// The option whose value is the next argument, if this is one.
pub fn with_value(argument: &str) -> Option<Purpose> {
    find(WITH_VALUE, |name| argument == name)
}

/// What an option of one word is about, where the driver must know.
pub fn of_one_word(argument: &str) -> Option<Purpose> {
    find(WORDS, |name| argument == name)
        .or_else(|| find(PREFIXES, |name| argument.starts_with(name)))
}

/// What an option with its value in the same word is about.
pub fn joined(argument: &str) -> Option<Purpose> {
    // Of the others with a value, clang's have longer names, or are flags that start so.
    const JOINED: &[&str] = &["-u", "-z", "-B"];
    find(WITH_VALUE, |name| {
        JOINED.contains(&name) && argument.starts_with(name)
    })
}

fn find(table: &[(&str, Purpose)], fits: impl Fn(&str) -> bool) -> Option<Purpose> {
    table
        .iter()
        .find(|(name, _)| fits(name))
        .map(|(_, purpose)| *purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_names_are_not_taken_for_shorter_ones() {
        assert_eq!(with_value("-D"), Some(Purpose::Compile));
        assert_eq!(with_value("-DX"), None);
        assert_eq!(of_one_word("-fPIC"), Some(Purpose::Nothing));
        assert_eq!(of_one_word("-std=c99"), None);
        assert_eq!(of_one_word("-static"), Some(Purpose::Nothing));
        assert!(matches!(of_one_word("-shared"), Some(Purpose::Refused(_))));
        assert_eq!(joined("-umain"), Some(Purpose::Link));
        assert_eq!(of_one_word("-undef"), Some(Purpose::Compile));
    }
}
