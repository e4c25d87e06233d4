//! Line editing: Backspace, Enter, Ctrl-U and Ctrl-D.

/// The longest line, its newline included.
const LIMIT_BYTES: usize = 4096;

const END_OF_INPUT: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const KILL_LINE: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// What the screen must show for a typed byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// Nothing.
    Nothing,
    /// This byte.
    Byte(u8),
    /// This many characters erased.
    Erase(usize),
}

/// One line that is being typed, and one that is ready to be read.
#[derive(Debug)]
pub struct LineEditor {
    line: [u8; LIMIT_BYTES],
    length: usize,
    /// Where reading goes on; the line is ready while this is set.
    read: Option<usize>,
}

impl Default for LineEditor {
    fn default() -> Self {
        Self::new()
    }
}

impl LineEditor {
    /// Nothing typed.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            line: [0; LIMIT_BYTES],
            length: 0,
            read: None,
        }
    }

    /// Whether [`LineEditor::take`] has an answer: bytes, or the end of input.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.read.is_some()
    }

    /// Takes a typed byte. Nothing may be typed while a line is ready.
    pub fn push(&mut self, byte: u8) -> Echo {
        match byte {
            b'\r' | b'\n' => {
                self.line[self.length] = b'\n';
                self.length += 1;
                self.read = Some(0);
                Echo::Byte(b'\n')
            }
            END_OF_INPUT => {
                self.read = Some(0);
                Echo::Nothing
            }
            BACKSPACE | DELETE if self.length > 0 => {
                self.length -= 1;
                Echo::Erase(1)
            }
            KILL_LINE => Echo::Erase(core::mem::take(&mut self.length)),
            b'\t' | b' '..DELETE if self.length < LIMIT_BYTES - 1 => {
                self.line[self.length] = byte;
                self.length += 1;
                Echo::Byte(byte)
            }
            _ => Echo::Nothing,
        }
    }

    /// Reads from the ready line; 0 bytes are the end of input.
    pub fn take(&mut self, buffer: &mut [u8]) -> usize {
        let start = self.read.unwrap_or(0);
        let count = buffer.len().min(self.length - start);
        buffer[..count].copy_from_slice(&self.line[start..start + count]);
        if start + count == self.length {
            self.length = 0;
            self.read = None;
        } else {
            self.read = Some(start + count);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(editor: &mut LineEditor, text: &[u8]) {
        for byte in text {
            editor.push(*byte);
        }
    }

    #[test]
    fn a_line_can_be_corrected_and_is_read_in_parts() {
        let mut editor = LineEditor::new();
        typed(&mut editor, b"nonsense\x15hex\x08llo");
        assert!(!editor.is_ready());
        assert_eq!(editor.push(b'\r'), Echo::Byte(b'\n'));
        let mut buffer = [0; 4];
        assert_eq!(editor.take(&mut buffer), 4);
        assert_eq!(&buffer, b"hell");
        assert!(editor.is_ready());
        assert_eq!(editor.take(&mut buffer), 2);
        assert_eq!(&buffer[..2], b"o\n");
        assert!(!editor.is_ready());
    }

    #[test]
    fn the_end_of_input_is_an_empty_read() {
        let mut editor = LineEditor::new();
        typed(&mut editor, b"\x04");
        assert!(editor.is_ready());
        assert_eq!(editor.take(&mut [0; 4]), 0);
        assert!(!editor.is_ready());
    }

    #[test]
    fn a_line_that_is_too_long_keeps_room_for_its_end() {
        let mut editor = LineEditor::new();
        typed(&mut editor, &[b'x'; LIMIT_BYTES + 10]);
        assert_eq!(editor.push(b'x'), Echo::Nothing);
        editor.push(b'\n');
        let mut buffer = [0; LIMIT_BYTES + 1];
        assert_eq!(editor.take(&mut buffer), LIMIT_BYTES);
        assert_eq!(buffer[LIMIT_BYTES - 1], b'\n');
    }

    #[test]
    fn nothing_is_erased_that_was_not_typed() {
        let mut editor = LineEditor::new();
        assert_eq!(editor.push(BACKSPACE), Echo::Nothing);
        assert_eq!(editor.push(KILL_LINE), Echo::Erase(0));
    }
}
