//! Which character stands between the cells.

use super::scan::Scanner;

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records that are looked at.
const RECORDS: usize = 50;
const CELL_BYTES_MAX: usize = 64 << 10;

/// The separator that gives the most records as many cells as the first has, and of those the one with the most cells. `head` is
/// UTF-8, `whole`: it is the whole file.
pub(crate) fn separator(head: &[u8], whole: bool) -> u8 {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if let [b's', b'e', b'p', b'=', separator, b'\r' | b'\n', ..] = head {
        return *separator;
    }
    let end = if whole { head.len() } else { head.iter().rposition(|byte| *byte == b'\n').unwrap_or(head.len()) };
    let mut best = (0.0, 0, b',');
    for separator in SEPARATORS {
        let widths = widths(&head[..end], separator);
        let Some(first) = widths.first().copied().filter(|first| *first > 1) else { continue };
        let alike = widths.iter().filter(|width| **width == first).count() as f64 / widths.len() as f64;
        if (alike, first) > (best.0, best.1) {
            best = (alike, first, separator);
        }
    }
    best.2
}

fn widths(head: &[u8], separator: u8) -> Vec<usize> {
    let mut scanner = Scanner::new(head, separator, CELL_BYTES_MAX);
    let mut widths = Vec::new();
    while widths.len() < RECORDS && matches!(scanner.next(), Ok(true)) {
        widths.push(scanner.cells());
    }
    widths
}
