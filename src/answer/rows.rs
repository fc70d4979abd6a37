//! Rows of tables, as Markdown writes them.

/// The cells of a row, each on one line.
pub(in crate::answer) fn cells(row: &str) -> Vec<String> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let row = row.strip_suffix('|').unwrap_or(row);
    row.split('|').map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A row with the names of its columns, so that nobody has to count bars: `Part: seal; Price: 3 euros`.
/// `None` when head and row do not have the same cells.
pub(in crate::answer) fn named(head: &str, row: &str) -> Option<String> {
    let (head, row) = (cells(head), cells(row));
    if head.len() != row.len() {
        return None;
    }
    let pairs = head.iter().zip(&row).filter(|(_, cell)| !cell.is_empty());
    let pairs = pairs.map(|(name, cell)| if name.is_empty() { cell.clone() } else { format!("{name}: {cell}") });
    Some(pairs.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_its_cells_are() {
        assert_eq!(
            named("| Part | Price |  Weight\n |", "| seal |  3 euros | 5 g |").unwrap(),
            "Part: seal; Price: 3 euros; Weight: 5 g"
        );
        assert_eq!(named("| | H1 |", "| Weight | 210 g |").unwrap(), "Weight; H1: 210 g");
        assert_eq!(named("|部件|价格|", "|密封圈||").unwrap(), "部件: 密封圈");
        assert_eq!(named("| a | b |", "| 1 | 2 | 3 |"), None);
    }
}
