//! `getopt`, `getopt_long` and `getopt_long_only`, with the permutation and the messages of GNU.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{c_char, c_int};
use core::ptr;

use super::environment::getenv;
use super::single_thread_cell::SingleThreadCell;
use super::system::write_error;
use crate::cstr;

#[cfg_attr(not(test), unsafe(export_name = "optarg"))]
static OPTION_ARGUMENT: SingleThreadCell<*mut c_char> = SingleThreadCell::new(ptr::null_mut());
#[cfg_attr(not(test), unsafe(export_name = "optind"))]
static INDEX: SingleThreadCell<c_int> = SingleThreadCell::new(1);
#[cfg_attr(not(test), unsafe(export_name = "opterr"))]
static PRINTS_ERRORS: SingleThreadCell<c_int> = SingleThreadCell::new(1);
#[cfg_attr(not(test), unsafe(export_name = "optopt"))]
static OPTION: SingleThreadCell<c_int> = SingleThreadCell::new(b'?' as c_int);

/// Where the scan is.
#[derive(Clone, Copy)]
struct Scan {
    /// The rest of an argument with several short options.
    rest: *mut c_char,
    /// The arguments that are no options and were passed over: they lie before the options that follow.
    first_other: usize,
    last_other: usize,
    has_started: bool,
}

const START: Scan = Scan {
    rest: ptr::null_mut(),
    first_other: 1,
    last_other: 1,
    has_started: false,
};

static SCAN: SingleThreadCell<Scan> = SingleThreadCell::new(START);

/// As at the start of a program.
pub(super) fn reset() {
    SCAN.set(START);
    OPTION_ARGUMENT.set(ptr::null_mut());
    INDEX.set(1);
    PRINTS_ERRORS.set(1);
    OPTION.set(c_int::from(b'?'));
}

/// `struct option`.
#[repr(C)]
struct LongOption {
    name: *const c_char,
    argument: c_int,
    flag: *mut c_int,
    value: c_int,
}

const REQUIRED: c_int = 1;

/// What an argument that is no option does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// It is moved behind the options.
    Permute,
    /// It ends them.
    Require,
    /// It is returned as the argument of an option 1.
    AsOptions,
}

/// Whether a long option may start with one dash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dashes {
    Two,
    One,
}

/// The arguments of one call.
struct Call<'a> {
    count: usize,
    arguments: *mut *mut c_char,
    short: &'a [u8],
    long: *const LongOption,
    index_result: *mut c_int,
    dashes: Dashes,
}

const NO_MORE: c_int = -1;
const UNKNOWN: c_int = b'?' as c_int;

impl Call<'_> {
    fn argument(&self, index: usize) -> *mut c_char {
        debug_assert!(index < self.count, "an argument that is there");
        // SAFETY: the index is below the count.
        unsafe { *self.arguments.add(index) }
    }

    fn text(&self, index: usize) -> &[u8] {
        // SAFETY: arguments are C strings.
        unsafe { cstr::bytes(self.argument(index)) }
    }

    fn is_option(&self, index: usize) -> bool {
        matches!(self.text(index), [b'-', _, ..])
    }

    fn quiet(&self) -> bool {
        PRINTS_ERRORS.read() == 0 || self.short.first() == Some(&b':')
    }

    fn complain(&self, message: &str) {
        if self.quiet() {
            return;
        }
        let name = if self.count == 0 {
            ""
        } else {
            &String::from_utf8_lossy(self.text(0))
        };
        write_error(&[format!("{name}: {message}\n").as_bytes()]);
    }

    /// What stands for an option without its argument.
    fn missing(&self) -> c_int {
        if self.short.first() == Some(&b':') {
            c_int::from(b':')
        } else {
            UNKNOWN
        }
    }

    /// Moves the options behind the other arguments that were passed over to the front of them.
    fn exchange(&self, scan: &mut Scan, index: usize) {
        // SAFETY: all indices are within the arguments.
        let moved = unsafe {
            core::slice::from_raw_parts_mut(
                self.arguments.add(scan.first_other),
                index - scan.first_other,
            )
        };
        moved.rotate_left(scan.last_other - scan.first_other);
        scan.first_other += index - scan.last_other;
        scan.last_other = index;
    }

    fn next(&self, scan: &mut Scan, order: Order) -> c_int {
        OPTION_ARGUMENT.set(ptr::null_mut());
        if scan.rest.is_null()
            // SAFETY: the rest is within a C string.
            || unsafe { *scan.rest } == 0
        {
            let mut index = usize::try_from(INDEX.read()).unwrap_or(1);
            scan.last_other = scan.last_other.min(index);
            scan.first_other = scan.first_other.min(index);
            if order == Order::Permute {
                if scan.first_other != scan.last_other && scan.last_other != index {
                    self.exchange(scan, index);
                } else if scan.last_other != index {
                    scan.first_other = index;
                }
                while index < self.count && !self.is_option(index) {
                    index += 1;
                }
                scan.last_other = index;
            }
            if index < self.count && self.text(index) == b"--" {
                index += 1;
                if scan.first_other != scan.last_other && scan.last_other != index {
                    self.exchange(scan, index);
                } else if scan.first_other == scan.last_other {
                    scan.first_other = index;
                }
                scan.last_other = self.count;
                index = self.count;
            }
            if index >= self.count {
                if scan.first_other != scan.last_other {
                    index = scan.first_other;
                }
                INDEX.set(index as c_int);
                return NO_MORE;
            }
            INDEX.set(index as c_int);
            if !self.is_option(index) {
                if order == Order::Require {
                    return NO_MORE;
                }
                OPTION_ARGUMENT.set(self.argument(index));
                INDEX.set(index as c_int + 1);
                return 1;
            }
            if let Some(result) = self.long_option(index) {
                scan.rest = ptr::null_mut();
                return result;
            }
            // SAFETY: an option has a dash and at least one more character.
            scan.rest = unsafe { self.argument(index).add(1) };
        }
        self.short_option(scan)
    }

    fn long_options(&self) -> impl Iterator<Item = (usize, &LongOption)> {
        let long = self.long;
        (0..).map_while(move |index| {
            if long.is_null() {
                return None;
            }
            // SAFETY: an option without a name ends the array.
            let option = unsafe { &*long.add(index) };
            (!option.name.is_null()).then_some((index, option))
        })
    }

    /// What the argument is as a long option; none if it is one of short options.
    fn long_option(&self, index: usize) -> Option<c_int> {
        if self.long.is_null() {
            return None;
        }
        let text = self.text(index);
        let prefix = if text.starts_with(b"--") { 2 } else { 1 };
        if prefix == 1 {
            // A single letter is the short option if there is one.
            let is_short = text.len() == 2 && self.short_kind(text[1]).is_some();
            if self.dashes == Dashes::Two || is_short {
                return None;
            }
        }
        let body = &text[prefix..];
        let end = body.iter().position(|byte| *byte == b'=');
        let name = &body[..end.unwrap_or(body.len())];
        let shown = String::from_utf8_lossy(name).into_owned();
        let dashes = if prefix == 2 { "--" } else { "-" };
        let candidates: Vec<(usize, &LongOption)> = self
            .long_options()
            // SAFETY: names are C strings.
            .filter(|(_, option)| unsafe { cstr::bytes(option.name) }.starts_with(name))
            .collect();
        let exact = candidates
            .iter()
            // SAFETY: as above.
            .find(|(_, option)| unsafe { cstr::bytes(option.name) } == name);
        let same = |left: &LongOption, right: &LongOption| {
            (left.argument, left.flag, left.value) == (right.argument, right.flag, right.value)
        };
        let found = match (exact, candidates.as_slice()) {
            (Some(exact), _) => Some(*exact),
            (None, [first, rest @ ..]) if rest.iter().all(|(_, other)| same(first.1, other)) => {
                Some(*first)
            }
            (None, []) => None,
            (None, several) => {
                let mut message = format!("option '{dashes}{shown}' is ambiguous; possibilities:");
                for (_, option) in several {
                    // SAFETY: as above.
                    let name = String::from_utf8_lossy(unsafe { cstr::bytes(option.name) });
                    message.push_str(&format!(" '{dashes}{name}'"));
                }
                self.complain(&message);
                INDEX.set(index as c_int + 1);
                OPTION.set(0);
                return Some(UNKNOWN);
            }
        };
        let Some((position, option)) = found else {
            // With one dash it may still be short options.
            if prefix == 1 && self.short_kind(text[1]).is_some() {
                return None;
            }
            self.complain(&format!("unrecognized option '{dashes}{shown}'"));
            INDEX.set(index as c_int + 1);
            OPTION.set(0);
            return Some(UNKNOWN);
        };
        INDEX.set(index as c_int + 1);
        // SAFETY: as above.
        let full = String::from_utf8_lossy(unsafe { cstr::bytes(option.name) }).into_owned();
        if let Some(end) = end {
            if option.argument == 0 {
                self.complain(&format!(
                    "option '{dashes}{full}' doesn't allow an argument"
                ));
                OPTION.set(option.value);
                return Some(UNKNOWN);
            }
            // SAFETY: the value starts behind the sign, within the argument.
            OPTION_ARGUMENT.set(unsafe { self.argument(index).add(prefix + end + 1) });
        } else if option.argument == REQUIRED {
            if index + 1 >= self.count {
                self.complain(&format!("option '{dashes}{full}' requires an argument"));
                OPTION.set(option.value);
                return Some(self.missing());
            }
            OPTION_ARGUMENT.set(self.argument(index + 1));
            INDEX.set(index as c_int + 2);
        }
        if !self.index_result.is_null() {
            // SAFETY: the caller gives null or a place for the index.
            unsafe { *self.index_result = position as c_int };
        }
        if option.flag.is_null() {
            return Some(option.value);
        }
        // SAFETY: a flag is a place for the value.
        unsafe { *option.flag = option.value };
        Some(0)
    }

    /// How many colons follow the letter; none if it is no option.
    fn short_kind(&self, letter: u8) -> Option<usize> {
        if matches!(letter, b':' | b';') {
            return None;
        }
        let start = self
            .short
            .iter()
            .take_while(|byte| matches!(byte, b'+' | b'-' | b':'))
            .count();
        let options = self.short.get(start..)?;
        let position = options.iter().position(|byte| *byte == letter)?;
        let colons = options[position + 1..]
            .iter()
            .take_while(|byte| **byte == b':');
        Some(colons.count())
    }

    fn short_option(&self, scan: &mut Scan) -> c_int {
        let index = usize::try_from(INDEX.read()).unwrap_or(1);
        // SAFETY: the rest is within a C string and not at its end.
        let letter = unsafe { *scan.rest }.cast_unsigned();
        // SAFETY: as above.
        scan.rest = unsafe { scan.rest.add(1) };
        // SAFETY: at most at the zero.
        let is_last = unsafe { *scan.rest } == 0;
        let kind = self.short_kind(letter);
        if is_last {
            INDEX.set(index as c_int + 1);
        }
        let shown = char::from(letter);
        match kind {
            None => {
                self.complain(&format!("invalid option -- '{shown}'"));
                OPTION.set(c_int::from(letter));
                UNKNOWN
            }
            Some(0) => c_int::from(letter),
            Some(colons) => {
                if !is_last {
                    OPTION_ARGUMENT.set(scan.rest);
                    INDEX.set(index as c_int + 1);
                } else if colons == 1 {
                    if index + 1 >= self.count {
                        scan.rest = ptr::null_mut();
                        self.complain(&format!("option requires an argument -- '{shown}'"));
                        OPTION.set(c_int::from(letter));
                        return self.missing();
                    }
                    OPTION_ARGUMENT.set(self.argument(index + 1));
                    INDEX.set(index as c_int + 2);
                }
                scan.rest = ptr::null_mut();
                c_int::from(letter)
            }
        }
    }
}

unsafe fn parse(
    count: c_int,
    arguments: *const *mut c_char,
    options: *const c_char,
    long: *const LongOption,
    index_result: *mut c_int,
    dashes: Dashes,
) -> c_int {
    let Ok(count) = usize::try_from(count) else {
        return NO_MORE;
    };
    // SAFETY: the caller passes a C string.
    let options = unsafe { cstr::bytes(options) };
    // SAFETY: the name is a C string.
    let is_posix = || !unsafe { getenv(c"POSIXLY_CORRECT".as_ptr()) }.is_null();
    let (order, short) = match options {
        [b'-', rest @ ..] => (Order::AsOptions, rest),
        [b'+', rest @ ..] => (Order::Require, rest),
        _ if is_posix() => (Order::Require, options),
        _ => (Order::Permute, options),
    };
    let mut scan = SCAN.read();
    if INDEX.read() == 0 || !scan.has_started {
        // 0 asks for a new start; a program may also have set where to begin.
        let first = INDEX.read().max(1);
        INDEX.set(first);
        let first = first as usize;
        scan = Scan {
            first_other: first,
            last_other: first,
            has_started: true,
            ..START
        };
    }
    let call = Call {
        count,
        arguments: arguments.cast_mut(),
        short,
        long,
        index_result,
        dashes,
    };
    let result = call.next(&mut scan, order);
    SCAN.set(scan);
    result
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getopt(
    count: c_int,
    arguments: *const *mut c_char,
    options: *const c_char,
) -> c_int {
    // SAFETY: the caller passes an argument vector and a C string.
    unsafe {
        parse(
            count,
            arguments,
            options,
            ptr::null(),
            ptr::null_mut(),
            Dashes::Two,
        )
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getopt_long(
    count: c_int,
    arguments: *const *mut c_char,
    options: *const c_char,
    long: *const LongOption,
    index: *mut c_int,
) -> c_int {
    // SAFETY: the caller passes an argument vector, a C string and an array of options.
    unsafe { parse(count, arguments, options, long, index, Dashes::Two) }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getopt_long_only(
    count: c_int,
    arguments: *const *mut c_char,
    options: *const c_char,
    long: *const LongOption,
    index: *mut c_int,
) -> c_int {
    // SAFETY: the caller passes an argument vector, a C string and an array of options.
    unsafe { parse(count, arguments, options, long, index, Dashes::One) }
}

/// `getsubopt`: the next of the comma-separated suboptions.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn getsubopt(
    options: *mut *mut c_char,
    names: *const *const c_char,
    value: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller passes a writable C string, names that a null pointer ends, and a place for the value.
    unsafe {
        let start = *options;
        *value = ptr::null_mut();
        let text = cstr::bytes(start);
        if text.is_empty() {
            return NO_MORE;
        }
        let length = text
            .iter()
            .position(|byte| *byte == b',')
            .unwrap_or(text.len());
        let is_last = length == text.len();
        let sign = text[..length].iter().position(|byte| *byte == b'=');
        let name_length = sign.unwrap_or(length);
        let found = (0..)
            .map(|index| *names.add(index))
            .take_while(|name| !name.is_null())
            .position(|name| cstr::bytes(name) == &text[..name_length]);
        *start.add(length) = 0;
        *options = start.add(length + usize::from(!is_last));
        match found {
            Some(index) => {
                if let Some(sign) = sign {
                    *value = start.add(sign + 1);
                }
                index as c_int
            }
            None => {
                *value = start;
                NO_MORE
            }
        }
    }
}
