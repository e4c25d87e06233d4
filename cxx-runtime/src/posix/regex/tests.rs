use super::*;

const EXTENDED: c_int = REG_EXTENDED;

fn find(pattern: &str, flags: c_int, text: &str) -> Result<Vec<Span>, Error> {
    let expression = Expression::new(pattern.as_bytes(), flags)?;
    let text = Text {
        bytes: text.as_bytes(),
        starts_line: true,
        ends_line: true,
        newline_separates: expression.newline_separates,
    };
    expression.find(text, true)
}

/// `(0,3)(1,2)(?,?)`, as in the tests of AT&T.
fn shown(spans: &[Span]) -> String {
    spans
        .iter()
        .map(|span| match span {
            Some((start, end)) => format!("({start},{end})"),
            None => "(?,?)".into(),
        })
        .collect()
}

/// From the rules of POSIX and Glenn Fowler's tests of them.
const CASES: &[(&str, c_int, &str, &str)] = &[
    ("abracadabra$", 0, "abracadabracadabra", "(7,18)"),
    ("a...b", 0, "abababbb", "(2,7)"),
    ("XXXXXX", 0, "..XXXXXX", "(2,8)"),
    (r"\)", EXTENDED, "()", "(1,2)"),
    ("a]", 0, "a]a", "(0,2)"),
    ("[]]", 0, "]", "(0,1)"),
    ("[^]a]", 0, "]ab", "(2,3)"),
    (r"\(ac*\)c*d[ac]*\1", 0, "acdacaaa", "(0,8)(0,1)"),
    (r"\(.\)\1", 0, "abbc", "(1,3)(1,2)"),
    (r"\(a*\)*\(x\)", 0, "x", "(0,1)(0,0)(0,1)"),
    (r"a\{2,3\}", 0, "aaaa", "(0,3)"),
    (r"^*ab", 0, "*ab", "(0,3)"),
    (r"a\|b", 0, "cb", "(1,2)"),
    ("a*", 0, "baa", "(0,0)"),
    (
        "(ab|a)(c|bcd)(d*)",
        EXTENDED,
        "abcd",
        "(0,4)(0,2)(2,3)(3,4)",
    ),
    (
        "(a|ab)(bcd|c)(d*)",
        EXTENDED,
        "abcd",
        "(0,4)(0,2)(2,3)(3,4)",
    ),
    (
        "(a|ab)(c|bcd)(d*)",
        EXTENDED,
        "abcd",
        "(0,4)(0,2)(2,3)(3,4)",
    ),
    ("xyx|xyxxyx", EXTENDED, "xyxxyx", "(0,6)"),
    ("(a*)(b|abc)", EXTENDED, "abc", "(0,3)(0,0)(0,3)"),
    ("(a*)(abc|b)", EXTENDED, "abc", "(0,3)(0,0)(0,3)"),
    (
        "((a*)(b|abc))(c*)",
        EXTENDED,
        "abc",
        "(0,3)(0,3)(0,0)(0,3)(3,3)",
    ),
    ("(a*)+", EXTENDED, "-", "(0,0)(0,0)"),
    ("(a*)(x)", EXTENDED, "ax", "(0,2)(0,1)(1,2)"),
    (
        "([ab]+)([bc]+)([cd]*)",
        EXTENDED,
        "abcd",
        "(0,4)(0,2)(2,3)(3,4)",
    ),
    ("(a|b)?.*", EXTENDED, "b", "(0,1)(0,1)"),
    (
        "((foo)|(bar))!bas",
        EXTENDED,
        "foo!bas",
        "(0,7)(0,3)(0,3)(?,?)",
    ),
    ("((foo)|bar)*", EXTENDED, "foobar", "(0,6)(3,6)(?,?)"),
    ("(.*)(foo|bar)", EXTENDED, "foobarbar", "(0,9)(0,6)(6,9)"),
    ("^(a|b)+$", EXTENDED, "abba", "(0,4)(3,4)"),
    ("a{1,2}b{0}c{2,}", EXTENDED, "aaccc", "(0,5)"),
    ("()ef", EXTENDED, "def", "(1,3)(1,1)"),
    ("a|", EXTENDED, "b", "(0,0)"),
    ("[[:alpha:]_][[:alnum:]_]*", EXTENDED, "9 a_1-", "(2,5)"),
    ("[a-c-]+", EXTENDED, "x-b-", "(1,4)"),
    (r"\<foo\>", EXTENDED, "afoo foo", "(5,8)"),
    (r"\bfoo\B", EXTENDED, "foo food", "(4,7)"),
    (r"\w+\s\W", EXTENDED, "ab -", "(0,4)"),
    ("ABC", EXTENDED | REG_ICASE, "xabCx", "(1,4)"),
    ("[^a]", EXTENDED | REG_ICASE, "aAb", "(2,3)"),
    ("^b.*", EXTENDED | REG_NEWLINE, "a\nbc\nd", "(2,4)"),
    ("a[^x]b", EXTENDED, "a\nb", "(0,3)"),
    ("(a)|b", EXTENDED, "b", "(0,1)(?,?)"),
    ("a)", EXTENDED, "a)", "(0,2)"),
    (r"(a+)-\1", EXTENDED, "aa-aaa", "(0,5)(0,2)"),
    (r"(A)\1", EXTENDED | REG_ICASE, "aA", "(0,2)(0,1)"),
];

#[test]
fn matches_are_the_leftmost_and_longest() {
    for (pattern, flags, text, expected) in CASES {
        let spans =
            find(pattern, *flags, text).unwrap_or_else(|error| panic!("{pattern}: {error:?}"));
        assert_eq!(shown(&spans), *expected, "{pattern} in {text}");
    }
}

#[test]
fn what_is_no_match_or_no_pattern_is_told() {
    use Error::*;
    let cases: &[(&str, c_int, Error)] = &[
        ("a", 0, NoMatch),
        ("a.", 0, NoMatch),
        ("[a", 0, UnmatchedBracket),
        (r"\(a", 0, UnmatchedParenthesis),
        (r"a\)", 0, UnmatchedParenthesis),
        ("(a", EXTENDED, UnmatchedParenthesis),
        (r"a\", 0, TrailingBackslash),
        (r"\(a\)\2", 0, BadReference),
        ("[z-a]", 0, BadRange),
        ("[[:nothing:]]", 0, BadCharacterClass),
        ("a{2", EXTENDED, UnmatchedBrace),
        ("a{2,1}", EXTENDED, BadRepetition),
        (r"a\{x\}", 0, BadRepetition),
        ("*a", EXTENDED, NothingToRepeat),
        ("a|+", EXTENDED, NothingToRepeat),
        ("((a{999}){999}){999}", EXTENDED, OutOfMemory),
    ];
    for (pattern, flags, error) in cases {
        assert_eq!(find(pattern, *flags, "").unwrap_err(), *error, "{pattern}");
    }
}

/// Patterns that take backtracking engines exponential time.
#[test]
fn time_does_not_explode() {
    let text = "a".repeat(2000);
    for pattern in [
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+b",
        "(.*)(.*)(.*)(.*)(.*)b",
        "((a{0,9}){0,9}){0,9}b",
    ] {
        assert_eq!(
            find(pattern, EXTENDED, &text).unwrap_err(),
            Error::NoMatch,
            "{pattern}"
        );
    }
    let spans = find("(a|aa)*", EXTENDED, &text).unwrap();
    assert_eq!(shown(&spans), "(0,2000)(1998,2000)");
    let result = find(r"(a*)*\1b", EXTENDED, &"a".repeat(30));
    assert!(matches!(result, Err(Error::NoMatch | Error::OutOfMemory)));
}

#[test]
fn a_line_may_be_a_part_of_one() {
    let expression = Expression::new(b"^a$", REG_EXTENDED).unwrap();
    for (starts_line, ends_line) in [(false, true), (true, false)] {
        let text = Text {
            bytes: b"a",
            starts_line,
            ends_line,
            newline_separates: false,
        };
        assert_eq!(expression.find(text, false).unwrap_err(), Error::NoMatch);
    }
}
