//! Wrapping lines anew when the width changes, exactly as the client does, the cursor's own line left alone: the
//! program draws that again.

use super::cell::Cell;
use super::row::Row;

/// What moves with the lines.
pub(super) struct Place {
    /// Line number of the screen's first row.
    pub(super) base: usize,
    /// The cursor's row.
    pub(super) y: usize,
    /// Line number of the saved cursor.
    pub(super) saved: usize,
}

/// `lines`, wrapped at `old`, for the larger width `new`.
pub(super) fn wider(mut lines: Vec<Row>, place: &mut Place, old: usize, new: usize, height: usize) -> Vec<Row> {
    lines.iter_mut().for_each(|row| row.resize(new));
    let cursor = place.base + place.y;
    let mut removed = vec![false; lines.len()];
    let mut y = 0;
    while y < lines.len() {
        let end = end_of_group(&lines, y);
        if end - y > 1 && !(y..end).contains(&cursor) {
            let unused = join(&mut lines[y..end], old, new);
            removed[end - unused..end].fill(true);
        }
        y = end;
    }
    let mut count = 0;
    let mut kept = Vec::with_capacity(lines.len());
    for (row, removed) in lines.into_iter().zip(removed) {
        if removed {
            count += 1;
        } else {
            kept.push(row);
        }
    }
    for _ in 0..count {
        if place.base > 0 {
            place.base -= 1;
        } else {
            place.y = place.y.saturating_sub(1);
            if kept.len() < height {
                kept.push(Row::blank(new));
            }
        }
    }
    place.saved = place.saved.saturating_sub(count);
    kept
}

fn end_of_group(lines: &[Row], start: usize) -> usize {
    let wrapped = lines[start + 1..].iter().take_while(|row| row.wrapped).count();
    start + 1 + wrapped
}

/// Moves the text of one wrapped line together, and returns how many of its rows are no longer needed.
fn join(rows: &mut [Row], old: usize, new: usize) -> usize {
    let (mut to, mut to_col) = (0, filled(rows, 0, old));
    let (mut from, mut from_col) = (1, 0);
    while from < rows.len() && to < rows.len() {
        let from_len = filled(rows, from, old);
        let count = from_len.saturating_sub(from_col).min(new - to_col);
        if to == from {
            rows[to].copy_within(from_col, to_col, count);
        } else {
            let (before, after) = rows.split_at_mut(from);
            before[to].copy_from(&after[0], from_col, to_col, count);
        }
        to_col += count;
        if to_col == new {
            (to, to_col) = (to + 1, 0);
        }
        from_col += count;
        if from_col >= from_len {
            (from, from_col) = (from + 1, 0);
        }
        // A wide character whose first half came last goes to the next row.
        if to_col == 0 && to > 0 && to < rows.len() && rows[to - 1].width(new - 1) == 2 {
            let half = rows[to - 1].cell(new - 1);
            rows[to].set(0, half);
            to_col = 1;
            rows[to - 1].set(new - 1, Cell::BLANK);
        }
    }
    let Some(last) = rows.get_mut(to) else { return 0 };
    last.erase(to_col, new, Cell::BLANK, None);
    let needed = (1..rows.len()).rev().find(|&row| row <= to && rows[row].trimmed_len() > 0).unwrap_or(0);
    rows.len() - 1 - needed
}

/// `lines`, wrapped at `old`, for the smaller width `new`, at most `max` of them.
pub(super) fn narrower(
    mut lines: Vec<Row>,
    place: &mut Place,
    old: usize,
    new: usize,
    height: usize,
    max: usize,
) -> Vec<Row> {
    // From the bottom up: each group's new rows, and the line they come after.
    let mut inserts: Vec<(usize, Vec<Row>)> = Vec::new();
    let mut inserted = 0;
    let mut end = lines.len();
    // Lines are taken off the end on the way; the client still wraps them, and keeps the rows this adds.
    let mut len = lines.len();
    while end > 0 {
        let last = end - 1;
        if !lines[last].wrapped && lines[last].trimmed_len() <= new {
            end = last;
            continue;
        }
        let mut start = last;
        while lines[start].wrapped && start > 0 {
            start -= 1;
        }
        let group = start..end;
        end = start;
        if group.contains(&(place.base + place.y)) {
            continue;
        }
        let added = split(&mut lines[group.clone()], old, new);
        let count = added.len();
        let missing = |filled: usize| (filled + count).saturating_sub(max);
        let trimmed = if place.base == 0 && place.y + 1 != len { missing(place.y) } else { missing(len) };
        if count > 0 {
            inserts.push((group.end, added));
            inserted += count;
        }
        for _ in 0..count.saturating_sub(trimmed) {
            if place.base > 0 {
                if place.base + height < max.min(len + inserted) {
                    place.base += 1;
                }
            } else if place.y + 1 < height {
                place.y += 1;
                len = len.saturating_sub(1);
            } else {
                place.base += 1;
            }
        }
        place.saved = (place.saved + count).min(place.base + height - 1);
    }
    lines.truncate(len);
    insert(lines, inserts, inserted, max)
}

/// Splits the text of one wrapped line over more rows; returns those that come after the ones there were.
fn split(rows: &mut [Row], old: usize, new: usize) -> Vec<Row> {
    let lengths = new_lengths(rows, old, new);
    let count = rows.len();
    let mut all: Vec<Row> = rows.iter_mut().map(|row| std::mem::replace(row, Row::blank(0))).collect();
    for _ in count..lengths.len() {
        let mut row = Row::blank(new);
        row.wrapped = true;
        all.push(row);
    }
    let mut to = lengths.len().saturating_sub(1);
    let mut to_col = lengths.get(to).copied().unwrap_or(0);
    let mut from = count - 1;
    let mut from_col = all[from].trimmed_len();
    loop {
        let cells = from_col.min(to_col);
        if to == from {
            all[to].copy_within(from_col - cells, to_col - cells, cells);
        } else {
            let source = all[from].clone();
            all[to].copy_from(&source, from_col - cells, to_col - cells, cells);
        }
        to_col -= cells;
        if to_col == 0 {
            if to == 0 {
                break;
            }
            to -= 1;
            to_col = lengths[to];
        }
        from_col -= cells;
        if from_col == 0 {
            if from == 0 {
                break;
            }
            from -= 1;
            from_col = filled(&all, from, old);
        }
    }
    for (row, &length) in all.iter_mut().zip(&lengths) {
        if length < new {
            row.set(length, Cell::BLANK);
        }
    }
    let added = all.split_off(count);
    for (place, row) in rows.iter_mut().zip(all) {
        *place = row;
    }
    added
}

/// How long each row of a wrapped line gets.
fn new_lengths(rows: &[Row], old: usize, new: usize) -> Vec<usize> {
    let needed: usize = (0..rows.len()).map(|row| filled(rows, row, old)).sum();
    let (mut row, mut col, mut given) = (0, 0, 0);
    let mut lengths = Vec::new();
    while given < needed {
        if needed - given < new {
            lengths.push(needed - given);
            break;
        }
        col += new;
        let length = rows.get(row).map_or(0, |_| filled(rows, row, old));
        if col > length {
            col -= length;
            row += 1;
        }
        // A wide character does not fit with its first half only.
        let ends_wide = col > 0 && rows.get(row).is_some_and(|row| row.width(col - 1) == 2);
        col -= usize::from(ends_wide);
        let length = new - usize::from(ends_wide);
        lengths.push(length);
        given += length;
    }
    lengths
}

/// How much of row `row` belongs to the wrapped line `rows`: all of it, but for the last row, and for a last cell
/// that was left empty because a wide character did not fit.
fn filled(rows: &[Row], row: usize, cols: usize) -> usize {
    if row + 1 == rows.len() {
        return rows[row].trimmed_len();
    }
    let last = rows[row].cell(cols - 1);
    let is_left_empty = !last.has_content() && last.width() == 1 && rows[row + 1].width(0) == 2;
    if is_left_empty { cols - 1 } else { cols }
}

/// Puts the new rows where they belong, and keeps the last `max` lines.
fn insert(lines: Vec<Row>, inserts: Vec<(usize, Vec<Row>)>, inserted: usize, max: usize) -> Vec<Row> {
    let total = (lines.len() + inserted).min(max);
    let mut inserts = inserts.into_iter().peekable();
    let mut reversed = Vec::with_capacity(lines.len() + inserted);
    let mut rest = lines.len();
    let mut lines = lines.into_iter().rev();
    while reversed.len() < total {
        if let Some((_, rows)) = inserts.next_if(|(after, _)| *after > rest.saturating_sub(1) || rest == 0) {
            reversed.extend(rows.into_iter().rev());
        } else if let Some(row) = lines.next() {
            rest -= 1;
            reversed.push(row);
        } else {
            break;
        }
    }
    reversed.truncate(total);
    reversed.reverse();
    reversed
}
