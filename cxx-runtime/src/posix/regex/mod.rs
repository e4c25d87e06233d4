//! POSIX regular expressions (XBD 9): `regcomp`, `regexec`, `regerror`, `regfree`.
//!
//! A pattern is parsed to a tree ([`parse`]), which becomes a list of instructions ([`program`]). Where the match
//! starts and ends is found by stepping all threads of the list at once, in time proportional to pattern times text;
//! what the groups matched follows from the tree, top down ([`groups`]): of what is left, each part takes the most,
//! from left to right, as POSIX asks. Patterns with back-references, for which no such method exists, are searched
//! with a memory of the states that failed ([`backtrack`]).

mod backtrack;
mod groups;
mod parse;
mod program;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};

use crate::cstr;
pub(super) use parse::class;
use parse::{Node, Syntax};
use program::Program;

const REG_EXTENDED: c_int = 1;
const REG_ICASE: c_int = 2;
const REG_NEWLINE: c_int = 4;
const REG_NOSUB: c_int = 8;
const REG_NOTBOL: c_int = 1;
const REG_NOTEOL: c_int = 2;
const REG_STARTEND: c_int = 4;

/// Why a pattern is none, or why it does not match: the numbers of `regex.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Error {
    NoMatch = 1,
    BadCharacterClass = 4,
    TrailingBackslash = 5,
    BadReference = 6,
    UnmatchedBracket = 7,
    UnmatchedParenthesis = 8,
    UnmatchedBrace = 9,
    BadRepetition = 10,
    BadRange = 11,
    OutOfMemory = 12,
    NothingToRepeat = 13,
}

const MESSAGES: [&CStr; 14] = [
    c"Success",
    c"No match",
    c"Invalid regular expression",
    c"Invalid collation character",
    c"Invalid character class name",
    c"Trailing backslash",
    c"Invalid back reference",
    c"Unmatched [, [^, [:, [., or [=",
    c"Unmatched ( or \\(",
    c"Unmatched \\{",
    c"Invalid content of \\{\\}",
    c"Invalid range end",
    c"Memory exhausted",
    c"Invalid preceding regular expression",
];

/// Where a match or a group starts and ends.
type Span = Option<(usize, usize)>;

/// What a position of the text must be beside the bytes around it.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    starts_line: bool,
    ends_line: bool,
    newline_separates: bool,
}

impl Text<'_> {
    fn is_line_start(&self, position: usize) -> bool {
        match position.checked_sub(1) {
            None => self.starts_line,
            Some(before) => self.newline_separates && self.bytes[before] == b'\n',
        }
    }

    fn is_line_end(&self, position: usize) -> bool {
        match self.bytes.get(position) {
            None => self.ends_line,
            Some(byte) => self.newline_separates && *byte == b'\n',
        }
    }

    fn is_word_at(&self, position: Option<usize>) -> bool {
        position
            .and_then(|position| self.bytes.get(position))
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    }

    fn holds(&self, assertion: parse::Assertion, position: usize) -> bool {
        use parse::Assertion;
        let before = self.is_word_at(position.checked_sub(1));
        let after = self.is_word_at(Some(position));
        match assertion {
            Assertion::LineStart => self.is_line_start(position),
            Assertion::LineEnd => self.is_line_end(position),
            Assertion::WordStart => !before && after,
            Assertion::WordEnd => before && !after,
            Assertion::WordBoundary => before != after,
            Assertion::NoWordBoundary => before == after,
            Assertion::TextStart => position == 0,
            Assertion::TextEnd => position == self.bytes.len(),
        }
    }
}

/// A compiled pattern.
struct Expression {
    tree: Node,
    program: Program,
    group_count: usize,
    has_references: bool,
    newline_separates: bool,
    wants_groups: bool,
}

impl Expression {
    fn new(pattern: &[u8], flags: c_int) -> Result<Self, Error> {
        let syntax = Syntax {
            is_extended: flags & REG_EXTENDED != 0,
            ignores_case: flags & REG_ICASE != 0,
            newline_separates: flags & REG_NEWLINE != 0,
        };
        let parsed = parse::parse(pattern, syntax)?;
        let program = Program::of(&parsed.tree)?;
        Ok(Self {
            tree: parsed.tree,
            program,
            group_count: parsed.group_count,
            has_references: parsed.has_references,
            newline_separates: syntax.newline_separates,
            wants_groups: flags & REG_NOSUB == 0,
        })
    }

    /// The spans of the match and, if they are wanted, of its groups.
    fn find(&self, text: Text, wants_groups: bool) -> Result<Vec<Span>, Error> {
        if self.has_references {
            return backtrack::find(&self.tree, self.group_count, text);
        }
        let span = self.program.find(text).ok_or(Error::NoMatch)?;
        let mut spans = alloc::vec![None; self.group_count + 1];
        spans[0] = Some(span);
        if wants_groups && self.group_count != 0 {
            groups::assign(&self.tree, text, span, &mut spans);
        }
        Ok(spans)
    }
}

/// `regex_t`.
#[repr(C)]
struct Regex {
    group_count: usize,
    expression: *mut Expression,
}

/// `regmatch_t`.
#[repr(C)]
struct Match {
    start: isize,
    end: isize,
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn regcomp(regex: *mut Regex, pattern: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller passes a C string.
    let (group_count, expression, result) =
        match Expression::new(unsafe { cstr::bytes(pattern) }, flags) {
            Ok(expression) => (
                expression.group_count,
                Box::into_raw(Box::new(expression)),
                0,
            ),
            Err(error) => (0, core::ptr::null_mut(), error as c_int),
        };
    // SAFETY: the caller gives a place for the expression.
    unsafe {
        *regex = Regex {
            group_count,
            expression,
        };
    }
    result
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn regexec(
    regex: *const Regex,
    text: *const c_char,
    count: usize,
    matches: *mut Match,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller passes a compiled expression.
    let expression = unsafe { &*(*regex).expression };
    let wants_matches = expression.wants_groups && count != 0;
    // SAFETY: the caller passes a C string, or with REG_STARTEND where the text is.
    let (offset, bytes) = unsafe {
        if flags & REG_STARTEND != 0 && !matches.is_null() {
            let (start, end) = ((*matches).start, (*matches).end);
            let length = end.saturating_sub(start).cast_unsigned();
            (
                start,
                core::slice::from_raw_parts(text.offset(start).cast::<u8>(), length),
            )
        } else {
            (0, cstr::bytes(text))
        }
    };
    let text = Text {
        bytes,
        starts_line: flags & REG_NOTBOL == 0,
        ends_line: flags & REG_NOTEOL == 0,
        newline_separates: expression.newline_separates,
    };
    let spans = match expression.find(text, wants_matches && count > 1) {
        Ok(spans) => spans,
        Err(error) => return error as c_int,
    };
    if wants_matches {
        for index in 0..count {
            let span = spans.get(index).copied().flatten();
            let (start, end) = span.map_or((-1, -1), |(start, end)| {
                (start.cast_signed() + offset, end.cast_signed() + offset)
            });
            // SAFETY: the caller gives `count` places.
            unsafe { matches.add(index).write(Match { start, end }) };
        }
    }
    0
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn regerror(
    error: c_int,
    _regex: *const Regex,
    buffer: *mut c_char,
    size: usize,
) -> usize {
    let message = usize::try_from(error)
        .ok()
        .and_then(|index| MESSAGES.get(index))
        .unwrap_or(&c"Unknown error");
    // SAFETY: the caller gives `size` bytes.
    unsafe { cstr::store(message.to_bytes(), buffer, size) };
    message.count_bytes() + 1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn regfree(regex: *mut Regex) {
    // SAFETY: the caller passes what `regcomp` has filled in, and uses it no more.
    unsafe {
        let expression = core::mem::replace(&mut (*regex).expression, core::ptr::null_mut());
        if !expression.is_null() {
            drop(Box::from_raw(expression));
        }
    }
}

#[cfg(test)]
mod tests;
