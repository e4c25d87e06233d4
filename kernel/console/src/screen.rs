//! The text screen: 80 columns, 25 rows, in the cell format of VGA text mode.

use core::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering::Relaxed};

/// Characters in a row.
pub const COLUMNS: usize = 80;
/// Rows.
pub const ROWS: usize = 25;
/// Characters on the screen.
pub const CELLS: usize = COLUMNS * ROWS;

const TAB_COLUMNS: usize = 8;
/// Light grey on black, a space.
const BLANK: u16 = 0x0720;
const ATTRIBUTE: u16 = 0x0700;

/// The picture. A timer's handler may read it while it is written: cells are atomic, and a half-written
/// line is shown again at the next tick.
#[derive(Debug)]
pub struct Screen {
    cells: [AtomicU16; CELLS],
    cursor: AtomicUsize,
    is_changed: AtomicBool,
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

impl Screen {
    /// Blank.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            cells: [const { AtomicU16::new(BLANK) }; CELLS],
            cursor: AtomicUsize::new(0),
            is_changed: AtomicBool::new(true),
        }
    }

    /// Shows text. Bytes that are not ASCII are shown as one question mark for each character of UTF-8.
    pub fn write(&self, text: &[u8]) {
        for byte in text {
            self.write_byte(*byte);
        }
        self.is_changed.store(true, Relaxed);
    }

    fn write_byte(&self, byte: u8) {
        let cursor = self.cursor.load(Relaxed);
        let row_start = cursor - cursor % COLUMNS;
        let next = match byte {
            b'\n' => row_start + COLUMNS,
            b'\r' => row_start,
            b'\t' => cursor + TAB_COLUMNS - cursor % TAB_COLUMNS,
            0x08 => cursor.saturating_sub(1),
            b' '..=b'~' => self.put(cursor, byte),
            0xc0.. => self.put(cursor, b'?'),
            _ => cursor,
        };
        self.cursor.store(
            if next < CELLS {
                next
            } else {
                self.scroll(next)
            },
            Relaxed,
        );
    }

    fn put(&self, cursor: usize, byte: u8) -> usize {
        self.cells[cursor].store(ATTRIBUTE | u16::from(byte), Relaxed);
        cursor + 1
    }

    fn scroll(&self, cursor: usize) -> usize {
        for index in 0..CELLS {
            let below = self.cells.get(index + COLUMNS);
            self.cells[index].store(below.map_or(BLANK, |cell| cell.load(Relaxed)), Relaxed);
        }
        cursor - COLUMNS
    }

    /// Whether something was written since the last call.
    #[must_use]
    pub fn take_changed(&self) -> bool {
        self.is_changed.swap(false, Relaxed)
    }

    /// The cells, row by row: the character in the low byte, its colours in the high one.
    pub fn cells(&self) -> impl Iterator<Item = u16> {
        self.cells.iter().map(|cell| cell.load(Relaxed))
    }

    /// The cursor's cell.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.cursor.load(Relaxed)
    }
}

/// The end of a text that is seen when all of it is written: its last lines, or, where lines are long, what fills the
/// screen more than once.
#[must_use]
pub fn shown(text: &[u8]) -> &[u8] {
    const LIMIT_BYTES: usize = 2 * CELLS;
    let end = &text[text.len().saturating_sub(LIMIT_BYTES)..];
    let mut newlines = end.iter().rposition(|byte| *byte == b'\n');
    for _ in 0..ROWS {
        newlines = newlines.and_then(|last| end[..last].iter().rposition(|byte| *byte == b'\n'));
    }
    newlines.map_or(end, |last| &end[last + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_text_fills_the_screen() {
        let lines: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        let end = shown(lines.as_bytes());
        assert!(end.starts_with(b"line 975\n") && end.len() < 300);
        let [whole, part] = [lines.as_bytes(), end].map(|text| {
            let screen = Screen::new();
            screen.write(text);
            (0..ROWS)
                .map(|index| row(&screen, index))
                .collect::<Vec<_>>()
        });
        assert_eq!(whole, part);
        assert_eq!(shown(b"short\n"), b"short\n");
        assert_eq!(shown(&[b'x'; 100_000]).len(), 2 * CELLS);
    }

    fn row(screen: &Screen, row: usize) -> String {
        let cells = screen.cells().skip(row * COLUMNS).take(COLUMNS);
        let text: String = cells.map(|cell| char::from(cell as u8)).collect();
        text.trim_end().into()
    }

    #[test]
    fn lines_and_tabs() {
        let screen = Screen::new();
        screen.write(b"one\n\ttwo\x08O\rT");
        assert_eq!(row(&screen, 0), "one");
        assert_eq!(row(&screen, 1), "T       twO");
        assert_eq!(screen.cursor(), COLUMNS + 1);
    }

    #[test]
    fn long_lines_wrap_and_the_last_row_scrolls() {
        let screen = Screen::new();
        for number in 0..ROWS {
            screen.write(format!("line {number}\n").as_bytes());
        }
        assert_eq!(row(&screen, 0), "line 1");
        assert_eq!(row(&screen, ROWS - 1), "");
        screen.write(&[b'x'; COLUMNS + 1]);
        assert_eq!(row(&screen, ROWS - 2), "x".repeat(COLUMNS));
        assert_eq!(row(&screen, ROWS - 1), "x");
    }

    #[test]
    fn other_characters_are_question_marks() {
        let screen = Screen::new();
        screen.write("a\u{e9}\u{20ac}\u{7}b".as_bytes());
        assert_eq!(row(&screen, 0), "a??b");
    }

    #[test]
    fn changes_are_told_once() {
        let screen = Screen::new();
        assert!(screen.take_changed());
        assert!(!screen.take_changed());
        screen.write(b"x");
        assert!(screen.take_changed());
    }
}
