//! From the text of a pattern to its tree.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::Error;

/// Which bytes are meant.
pub(super) type Set = [u64; 4];

pub(super) fn contains(set: &Set, byte: u8) -> bool {
    set[usize::from(byte) / 64] >> (byte % 64) & 1 != 0
}

fn insert(set: &mut Set, byte: u8) {
    set[usize::from(byte) / 64] |= 1 << (byte % 64);
}

/// A condition on a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    LineStart,
    LineEnd,
    WordStart,
    WordEnd,
    WordBoundary,
    NoWordBoundary,
    TextStart,
    TextEnd,
}

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    Byte(Set),
    Assert(Assertion),
    /// What group of this number matched, whatever the case if so asked.
    Reference(usize, bool),
    Group(usize, Box<Node>),
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
    /// At least so often, and at most so often unless there is no limit.
    Repeat(Box<Node>, u32, Option<u32>),
}

/// Which language the pattern is in.
#[derive(Clone, Copy)]
pub(super) struct Syntax {
    pub(super) is_extended: bool,
    pub(super) ignores_case: bool,
    pub(super) newline_separates: bool,
}

/// A pattern that was understood.
pub(super) struct Parsed {
    pub(super) tree: Node,
    pub(super) group_count: usize,
    pub(super) has_references: bool,
}

/// `RE_DUP_MAX` of glibc.
const REPEAT_LIMIT: u32 = 32_767;

/// Deeper groups would exhaust the stack.
const DEPTH_LIMIT: usize = 250;

pub(super) fn parse(pattern: &[u8], syntax: Syntax) -> Result<Parsed, Error> {
    let mut parser = Parser {
        pattern,
        position: 0,
        syntax,
        group_count: 0,
        closed: vec![false],
        has_references: false,
        depth: 0,
    };
    let tree = parser.alternatives()?;
    if parser.position < pattern.len() {
        // Only a closing parenthesis stops before the end; in an extended expression outside a group it is handled as
        // a byte.
        return Err(Error::UnmatchedParenthesis);
    }
    Ok(Parsed {
        tree,
        group_count: parser.group_count,
        has_references: parser.has_references,
    })
}

struct Parser<'a> {
    pattern: &'a [u8],
    position: usize,
    syntax: Syntax,
    group_count: usize,
    /// Whether the group of each number has ended.
    closed: Vec<bool>,
    has_references: bool,
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &[u8] {
        &self.pattern[self.position..]
    }

    fn peek(&self) -> Option<u8> {
        self.pattern.get(self.position).copied()
    }

    fn starts_with(&self, text: &[u8]) -> bool {
        self.rest().starts_with(text)
    }

    fn take(&mut self, text: &[u8]) -> bool {
        let is_there = self.starts_with(text);
        if is_there {
            self.position += text.len();
        }
        is_there
    }

    fn bar(&self) -> &'static [u8] {
        if self.syntax.is_extended {
            b"|"
        } else {
            b"\\|"
        }
    }

    fn close(&self) -> &'static [u8] {
        if self.syntax.is_extended {
            b")"
        } else {
            b"\\)"
        }
    }

    fn alternatives(&mut self) -> Result<Node, Error> {
        let mut all = vec![self.sequence()?];
        while self.take(self.bar()) {
            all.push(self.sequence()?);
        }
        Ok(if all.len() == 1 {
            all.remove(0)
        } else {
            Node::Alternatives(all)
        })
    }

    fn at_sequence_end(&self) -> bool {
        let closes = self.starts_with(self.close());
        // POSIX leaves a lone closing parenthesis of an extended expression undefined: it stands for itself.
        let ends_group = closes && (self.depth > 0 || !self.syntax.is_extended);
        self.rest().is_empty() || self.starts_with(self.bar()) || ends_group
    }

    fn sequence(&mut self) -> Result<Node, Error> {
        let mut parts = Vec::new();
        // In a basic expression a star at the start stands for itself.
        let mut is_start = true;
        while !self.at_sequence_end() {
            let part = self.atom(is_start)?;
            let is_anchor = matches!(part, Node::Assert(_));
            is_start = is_start && is_anchor;
            // As in glibc: an anchor cannot be repeated.
            parts.push(if is_anchor {
                part
            } else {
                self.repeated(part)?
            });
        }
        Ok(match parts.len() {
            0 => Node::Empty,
            1 => parts.remove(0),
            _ => Node::Sequence(parts),
        })
    }

    fn byte(&self, byte: u8) -> Node {
        let mut set = [0; 4];
        insert(&mut set, byte);
        Node::Byte(self.folded(set))
    }

    fn folded(&self, mut set: Set) -> Set {
        if self.syntax.ignores_case {
            for lower in b'a'..=b'z' {
                let upper = lower.to_ascii_uppercase();
                if contains(&set, lower) || contains(&set, upper) {
                    insert(&mut set, lower);
                    insert(&mut set, upper);
                }
            }
        }
        set
    }

    fn any(&self) -> Node {
        let mut set = [u64::MAX; 4];
        // NUL ends every text.
        set[0] &= !1;
        if self.syntax.newline_separates {
            set[0] &= !(1 << b'\n');
        }
        Node::Byte(set)
    }

    fn atom(&mut self, is_start: bool) -> Result<Node, Error> {
        let byte = self.rest()[0];
        self.position += 1;
        let is_extended = self.syntax.is_extended;
        match byte {
            b'.' => Ok(self.any()),
            b'[' => self.bracket(),
            b'\\' => self.escape(),
            b'^' if is_extended || is_start => Ok(Node::Assert(Assertion::LineStart)),
            b'$' if is_extended || self.at_sequence_end() => Ok(Node::Assert(Assertion::LineEnd)),
            b'(' if is_extended => self.group(),
            b'*' | b'+' | b'?' | b'{' if is_extended => Err(Error::NothingToRepeat),
            other => Ok(self.byte(other)),
        }
    }

    fn group(&mut self) -> Result<Node, Error> {
        if self.depth == DEPTH_LIMIT {
            return Err(Error::OutOfMemory);
        }
        self.depth += 1;
        self.group_count += 1;
        let number = self.group_count;
        self.closed.push(false);
        let inner = self.alternatives()?;
        if !self.take(self.close()) {
            return Err(Error::UnmatchedParenthesis);
        }
        self.depth -= 1;
        self.closed[number] = true;
        Ok(Node::Group(number, Box::new(inner)))
    }

    fn escape(&mut self) -> Result<Node, Error> {
        let Some(byte) = self.peek() else {
            return Err(Error::TrailingBackslash);
        };
        self.position += 1;
        let is_extended = self.syntax.is_extended;
        let assertion = |assertion| Ok(Node::Assert(assertion));
        match byte {
            b'(' if !is_extended => self.group(),
            b'{' if !is_extended => Err(Error::NothingToRepeat),
            b'+' | b'?' if !is_extended => Ok(self.byte(byte)),
            b'1'..=b'9' => {
                let number = usize::from(byte - b'0');
                if self.closed.get(number) != Some(&true) {
                    return Err(Error::BadReference);
                }
                self.has_references = true;
                Ok(Node::Reference(number, self.syntax.ignores_case))
            }
            b'<' => assertion(Assertion::WordStart),
            b'>' => assertion(Assertion::WordEnd),
            b'b' => assertion(Assertion::WordBoundary),
            b'B' => assertion(Assertion::NoWordBoundary),
            b'`' => assertion(Assertion::TextStart),
            b'\'' => assertion(Assertion::TextEnd),
            b'w' | b'W' => Ok(self.class_escape(byte == b'W', |byte| {
                byte.is_ascii_alphanumeric() || byte == b'_'
            })),
            b's' | b'S' => Ok(self.class_escape(byte == b'S', is_space)),
            other => Ok(self.byte(other)),
        }
    }

    fn class_escape(&self, is_inverted: bool, is_member: impl Fn(u8) -> bool) -> Node {
        let mut set = [0; 4];
        for byte in 1..=u8::MAX {
            if is_member(byte) != is_inverted {
                insert(&mut set, byte);
            }
        }
        Node::Byte(set)
    }

    /// The repetitions behind a part.
    fn repeated(&mut self, mut part: Node) -> Result<Node, Error> {
        let is_extended = self.syntax.is_extended;
        loop {
            let (least, most) = if self.take(b"*") {
                (0, None)
            } else if self.take(if is_extended { b"+" } else { b"\\+" }) {
                (1, None)
            } else if self.take(if is_extended { b"?" } else { b"\\?" }) {
                (0, Some(1))
            } else if self.starts_with(if is_extended { b"{" } else { b"\\{" }) {
                self.interval()?
            } else {
                return Ok(part);
            };
            part = Node::Repeat(Box::new(part), least, most);
        }
    }

    fn number(&mut self) -> Option<u32> {
        let digits = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let text = core::str::from_utf8(&self.rest()[..digits]).ok()?;
        let number =
            text.parse::<u32>()
                .unwrap_or(if digits == 0 { return None } else { u32::MAX });
        self.position += digits;
        Some(number)
    }

    /// `{m}`, `{m,}`, `{m,n}` and `{,n}`.
    fn interval(&mut self) -> Result<(u32, Option<u32>), Error> {
        let is_extended = self.syntax.is_extended;
        self.position += if is_extended { 1 } else { 2 };
        let least = self.number();
        let (least, most) = if self.take(b",") {
            let most = self.number();
            (least.unwrap_or(0), most)
        } else {
            let Some(least) = least else {
                return self.no_interval();
            };
            (least, Some(least))
        };
        let end: &[u8] = if is_extended { b"}" } else { b"\\}" };
        if !self.take(end) {
            return self.no_interval();
        }
        if most.is_some_and(|most| most < least) {
            return Err(Error::BadRepetition);
        }
        if least > REPEAT_LIMIT || most.is_some_and(|most| most > REPEAT_LIMIT) {
            return Err(Error::OutOfMemory);
        }
        Ok((least, most))
    }

    fn no_interval(&self) -> Result<(u32, Option<u32>), Error> {
        Err(if self.rest().is_empty() {
            Error::UnmatchedBrace
        } else {
            Error::BadRepetition
        })
    }

    /// A bracket expression, behind its opening bracket.
    fn bracket(&mut self) -> Result<Node, Error> {
        let is_inverted = self.take(b"^");
        let mut set = [0; 4];
        let mut is_first = true;
        loop {
            let Some(byte) = self.peek() else {
                return Err(Error::UnmatchedBracket);
            };
            if byte == b']' && !is_first {
                self.position += 1;
                break;
            }
            is_first = false;
            if self.starts_with(b"[:") {
                let name = self.named(b":]")?;
                let is_member = class(name).ok_or(Error::BadCharacterClass)?;
                for byte in 0..=u8::MAX {
                    if is_member(byte) {
                        insert(&mut set, byte);
                    }
                }
                continue;
            }
            if self.starts_with(b"[=") {
                match self.named(b"=]")? {
                    [byte] => insert(&mut set, *byte),
                    _ => return Err(Error::BadCharacterClass),
                }
                continue;
            }
            let first = self.range_end()?;
            if self.starts_with(b"-") && !self.starts_with(b"-]") {
                self.position += 1;
                if self.rest().is_empty() {
                    return Err(Error::UnmatchedBracket);
                }
                let last = self.range_end()?;
                if last < first {
                    return Err(Error::BadRange);
                }
                for byte in first..=last {
                    insert(&mut set, byte);
                }
            } else {
                insert(&mut set, first);
            }
        }
        set = self.folded(set);
        if is_inverted {
            set = set.map(|word| !word);
            set[0] &= !1;
            if self.syntax.newline_separates {
                set[0] &= !(1 << b'\n');
            }
        }
        Ok(Node::Byte(set))
    }

    /// What is between `[:` and `:]`, for instance.
    fn named(&mut self, end: &[u8]) -> Result<&[u8], Error> {
        let start = self.position + 2;
        let length = self.pattern[start..]
            .windows(2)
            .position(|pair| pair == end)
            .ok_or(Error::UnmatchedBracket)?;
        self.position = start + length + 2;
        Ok(&self.pattern[start..start + length])
    }

    fn range_end(&mut self) -> Result<u8, Error> {
        if self.starts_with(b"[.") {
            return match self.named(b".]")? {
                [byte] => Ok(*byte),
                // glibc calls it an invalid collation character; no other name is known in the "C" locale.
                _ => Err(Error::BadCharacterClass),
            };
        }
        let byte = self.rest()[0];
        self.position += 1;
        Ok(byte)
    }
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The bytes of a character class of the "C" locale.
pub(in crate::posix) fn class(name: &[u8]) -> Option<fn(u8) -> bool> {
    Some(match name {
        b"alpha" => |byte| byte.is_ascii_alphabetic(),
        b"digit" => |byte| byte.is_ascii_digit(),
        b"alnum" => |byte| byte.is_ascii_alphanumeric(),
        b"upper" => |byte| byte.is_ascii_uppercase(),
        b"lower" => |byte| byte.is_ascii_lowercase(),
        b"space" => is_space,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"punct" => |byte| byte.is_ascii_punctuation(),
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"graph" => |byte| byte.is_ascii_graphic(),
        b"cntrl" => |byte| byte.is_ascii_control(),
        b"xdigit" => |byte| byte.is_ascii_hexdigit(),
        _ => return None,
    })
}
