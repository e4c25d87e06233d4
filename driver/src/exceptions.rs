//! What clang says of `throw` and `try`, which programs cannot have yet: once for each file, with what to do.

use std::borrow::Cow;

/// What all of clang's messages about it have in common.
const ABOUT_EXCEPTIONS: &str = "with exceptions disabled";
const ADVICE: &str = "note: BareFlow has no exceptions yet: report the error in another way, or have the source leave \
                      the code out, as most libraries do where __cpp_exceptions is not defined\n";

/// clang's messages about one file, with the first about exceptions alone, and what to do after it.
pub(crate) fn said_once(messages: &str) -> Cow<'_, str> {
    if !messages.contains(ABOUT_EXCEPTIONS) {
        return messages.into();
    }
    let mut text = String::with_capacity(messages.len());
    // Lines that belong to the message that has not come yet.
    let mut start = String::new();
    let mut is_shown = true;
    let mut removed = 0;
    // What is to be said after the first message about exceptions, whose source lines come before it.
    let mut advice = None;
    let mut is_first = true;
    for line in messages.split_inclusive('\n') {
        let is_start = line.starts_with("In file included from ");
        let is_end = line.trim_end().ends_with(" generated.");
        let is_message = line.contains("error: ") || line.contains("warning: ");
        if is_start || is_end || is_message {
            text.extend(advice.take());
        }
        if is_start {
            start.push_str(line);
        } else if is_end {
            text.push_str(&with_fewer_errors(line, removed));
        } else if is_message {
            let is_about_exceptions = line.contains(ABOUT_EXCEPTIONS);
            is_shown = !is_about_exceptions || is_first;
            if is_shown {
                text.push_str(&start);
                text.push_str(line);
            } else {
                removed += 1;
            }
            if is_about_exceptions && is_first {
                advice = Some(ADVICE);
                is_first = false;
            }
            start.clear();
        } else if is_shown {
            text.push_str(line);
        }
    }
    text.extend(advice);
    text.into()
}

/// clang's last line, `2 warnings and 3 errors generated.`, with fewer errors.
fn with_fewer_errors(line: &str, fewer: usize) -> String {
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    let mut result: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    if let Some(place) = words.iter().position(|word| word.starts_with("error"))
        && let Some(count) = place
            .checked_sub(1)
            .and_then(|before| words[before].parse::<usize>().ok())
    {
        let left = count.saturating_sub(fewer);
        result[place - 1] = left.to_string();
        result[place] = if left == 1 { "error" } else { "errors" }.to_owned();
    }
    result.join(" ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_left_and_other_messages_stay() {
        let messages = "a.cpp:1:2: error: cannot use 'throw' with exceptions disabled\n  throw 1;\n  ^\n\
                        a.cpp:2:2: warning: unused\n  x;\n\
                        In file included from a.cpp:3:\n\
                        b.h:1:1: error: cannot use 'try' with exceptions disabled\n  try {\n  ^\n\
                        a.cpp:5:1: error: unknown\n  nothing;\n\
                        1 warning and 3 errors generated.\n";
        let text = said_once(messages);
        let expected = format!(
            "a.cpp:1:2: error: cannot use 'throw' with exceptions disabled\n  throw 1;\n  ^\n{ADVICE}\
             a.cpp:2:2: warning: unused\n  x;\n\
             a.cpp:5:1: error: unknown\n  nothing;\n\
             1 warning and 2 errors generated.\n"
        );
        assert_eq!(text, expected);
        assert_eq!(said_once("a.c:1:1: error: x\n"), "a.c:1:1: error: x\n");
    }
}
