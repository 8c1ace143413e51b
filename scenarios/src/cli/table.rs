//! The table that ends a hunt.

use core::time::Duration;

use super::console::{Stream, Style};
use super::show;
use super::tally::Tally;

/// Where the faults of a row go on in a new line.
const FAULTS_WIDTH: usize = 60;

/// The table, a line each.
pub(super) fn lines(out: &Stream, tallies: &[Tally], jobs: usize) -> Vec<String> {
    let head = [
        "scenario",
        "runs",
        "seeds/s",
        "virtual time",
        "sends",
        "completions",
        "findings",
        "faults",
    ];
    let rows: Vec<[String; 8]> = tallies
        .iter()
        .map(|tally| {
            [
                tally.name.to_owned(),
                tally.runs.to_string(),
                tally.seeds_per_second(jobs).to_string(),
                show::span(Duration::from_nanos(tally.virtual_ns)),
                tally.sends.to_string(),
                tally.completions.to_string(),
                tally.findings.to_string(),
                show::strikes(&tally.faults),
            ]
        })
        .collect();
    let mut widths = head.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let last = widths.len() - 1;
    let before: usize = widths[..last].iter().map(|width| width + 2).sum();
    let mut lines = vec![out.styled(Style::Strong, &line(&head.map(str::to_owned), &widths))];
    for (row, tally) in rows.into_iter().zip(tallies) {
        let [.., faults] = &row;
        let mut wrapped = wrap(faults).into_iter();
        let mut first = row.clone();
        first[last] = wrapped.next().unwrap_or_default();
        let text = line(&first, &widths);
        lines.push(if tally.findings > 0 { out.styled(Style::Bad, &text) } else { text });
        lines.extend(wrapped.map(|more| format!("{:before$}{more}", "")));
    }
    lines
}

/// Names and faults stand to the left, numbers to the right.
fn line(cells: &[String; 8], widths: &[usize; 8]) -> String {
    let mut text = String::new();
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        match index {
            0 => text.push_str(&format!("{cell:<width$}")),
            7 => text.push_str(&format!("  {cell}")),
            _ => text.push_str(&format!("  {cell:>width$}")),
        }
    }
    text
}

fn wrap(faults: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in faults.split_inclusive(", ") {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].len() + part.trim_end().len() > FAULTS_WIDTH {
            lines.push(String::new());
        }
        let last = lines.len() - 1;
        lines[last].push_str(part);
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}
