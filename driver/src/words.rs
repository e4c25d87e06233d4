//! Words of a command line in a text: response files and flags in one string.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::error::{DriverError, Result, reading};

/// How deep response files may name others.
const MOST_NESTED: usize = 16;

/// The words of `text`: blanks separate them; quotes and backslashes protect, as in a shell.
///
/// # Errors
/// [`DriverError::Usage`]: a quote that is not closed.
pub fn split(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            (character, Some(open)) if character == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(characters.next()),
            (character, None) if character.is_ascii_whitespace() => words.extend(word.take()),
            (character, _) => word.get_or_insert_default().push(character),
        }
    }
    if let Some(quote) = quote {
        return Err(DriverError::Usage(format!(
            "a quote {quote} is not closed in: {}",
            text.trim()
        )));
    }
    words.extend(word);
    Ok(words)
}

/// The arguments with the words of the files named by `@FILE` in their places. What is no file stays.
///
/// # Errors
/// That a file cannot be read, or names itself.
pub fn expand(arguments: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>> {
    let mut expanded = Vec::new();
    for argument in arguments {
        expand_one(argument, 0, &mut expanded)?;
    }
    Ok(expanded)
}

fn expand_one(argument: OsString, depth: usize, expanded: &mut Vec<OsString>) -> Result<()> {
    let path = argument
        .to_str()
        .and_then(|text| text.strip_prefix('@'))
        .map(Path::new)
        .filter(|path| path.is_file());
    let Some(path) = path else {
        expanded.push(argument);
        return Ok(());
    };
    if depth == MOST_NESTED {
        return Err(DriverError::Usage(format!(
            "@{}: response files that name each other",
            path.display()
        )));
    }
    let text = fs::read_to_string(path).map_err(reading(path))?;
    for word in split(&text)? {
        expand_one(word.into(), depth + 1, expanded)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        let words = split("-DA='x y'  \"b\\\"c\"\n\\ d '' e\\\\f").unwrap();
        assert_eq!(words, ["-DA=x y", "b\"c", " d", "", "e\\f"]);
        assert!(split("'open").is_err());
        assert!(split(" \n").unwrap().is_empty());
    }

    #[test]
    fn response_files_stand_for_their_words() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        let outer = folder.path().join("outer");
        fs::write(&inner, "-c 'a b.c'").unwrap();
        fs::write(&outer, format!("-O2 @{}", inner.display())).unwrap();
        let expanded = expand([format!("@{}", outer.display()).into(), "@nowhere".into()]).unwrap();
        assert_eq!(expanded, ["-O2", "-c", "a b.c", "@nowhere"]);

        fs::write(&inner, format!("@{}", outer.display())).unwrap();
        assert!(expand([format!("@{}", outer.display()).into()]).is_err());
    }
}
