//! Columns for people.

/// Prints rows under their heads; each column as wide as its longest cell.
pub(crate) fn print(heads: &[&str], rows: &[Vec<String>]) {
    for line in lines(heads, rows) {
        println!("{line}");
    }
}

/// The same as lines.
pub(crate) fn lines(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let heads: Vec<String> = heads.iter().map(ToString::to_string).collect();
    let mut widths: Vec<usize> = vec![0; heads.len()];
    for row in std::iter::once(&heads).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    std::iter::once(&heads)
        .chain(rows)
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let rows = [
            vec!["a".to_owned(), "long".to_owned()],
            vec!["bbb".to_owned(), String::new()],
        ];
        assert_eq!(lines(&["X", "Y"], &rows), ["X    Y", "a    long", "bbb"]);
    }
}
