//! Tables, memory and durations for people.

use std::fmt::Write;
use std::time::Duration;

/// A table with aligned columns; the first is left-aligned, the others right.
pub struct Table {
    rows: Vec<Vec<String>>,
    is_left: bool,
}

impl Table {
    pub fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(ToString::to_string).collect()], is_left: false }
    }

    /// With all columns left-aligned.
    pub fn left(mut self) -> Self {
        self.is_left = true;
        self
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for (i, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                let _ = if column == 0 || self.is_left {
                    write!(out, "  {cell}{pad}")
                } else {
                    write!(out, "  {pad}{cell}")
                };
            }
            out.truncate(out.trim_end().len());
            out.push('\n');
            if i == 0 {
                let rule = widths.iter().map(|w| "─".repeat(*w)).collect::<Vec<_>>().join("──");
                let _ = writeln!(out, "  {rule}");
            }
        }
        out
    }
}

/// "412 ms", or "–" for what did not happen.
pub fn ms(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "–".to_owned(), |d| format!("{:.0} ms", d.as_secs_f64() * 1000.0))
}

/// The `q`-quantile (nearest rank) of `values`, `0.0..=1.0`.
pub fn quantile(values: &[Duration], q: f64) -> Option<Duration> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied()
}

/// Memory of this process, in bytes, where the system tells it.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_not_off_by_one() {
        let values: Vec<Duration> = (1..=20).map(Duration::from_millis).collect();
        assert_eq!(quantile(&values, 0.5), Some(Duration::from_millis(10)));
        assert_eq!(quantile(&values, 0.95), Some(Duration::from_millis(19)));
        assert_eq!(quantile(&values, 1.0), Some(Duration::from_millis(20)));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn columns_do_not_shift() {
        let mut table = Table::new(&["what", "ms"]);
        table.row(["a long name".to_owned(), "7".to_owned()]);
        assert_eq!(table.render(), "  what         ms\n  ───────────────\n  a long name   7\n");
    }
}
