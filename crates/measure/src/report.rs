//! The results of a benchmark: as a table for people, as JSON for programs, and as a page with plots.

use crate::plot::{Plot, escaped};
use crate::spread::Spread;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The results of a benchmark.
#[derive(Debug)]
pub struct Report {
    /// The program that measured.
    pub program: &'static str,
    /// The bench's name, in one word.
    pub bench: &'static str,
    /// What was measured, how, and on which machine: a few lines.
    pub about: String,
    /// The columns of each row.
    pub columns: Vec<Column>,
    /// The figures.
    pub rows: Vec<Row>,
    /// The figures as plots.
    pub plots: Vec<Plot>,
    /// Further remarks: a few lines.
    pub remarks: String,
}

/// A column of the table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name for programs.
    key: &'static str,
    /// Its name for people; `None` if it is not for them.
    title: Option<&'static str>,
    /// Number of digits after the decimal point.
    digits: usize,
}

impl Column {
    /// A column of words.
    pub const fn text(key: &'static str, title: &'static str) -> Column {
        Column { key, title: Some(title), digits: 0 }
    }

    /// A column of numbers, with `digits` digits after the decimal point.
    pub const fn number(key: &'static str, title: &'static str, digits: usize) -> Column {
        Column { key, title: Some(title), digits }
    }

    /// A column that only programs see.
    pub const fn hidden(key: &'static str) -> Column {
        Column { key, title: None, digits: 0 }
    }

    /// A ratio, or another small number, says nothing without some digits after the decimal point.
    fn digits_of(&self, number: f64) -> String {
        let is_small = number.abs() < 10.0 && number.fract() != 0.0;
        let digits = if is_small { self.digits.max(2) } else { self.digits };
        format!("{number:.digits$}")
    }

    /// The cell of this column for people.
    fn words(&self, cell: &Value) -> String {
        match cell {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            Value::Number(number) => self.digits_of(number.as_f64().unwrap_or_default()),
            other => other.to_string(),
        }
    }
}

/// A cell for each column.
pub type Row = Vec<Value>;

/// The columns of a bench that measures several figures, a row for each.
pub fn figure_columns(digits: usize) -> Vec<Column> {
    vec![
        Column::hidden("key"),
        Column::text("what", ""),
        Column::number("median", "median", digits),
        Column::number("least", "least", digits),
        Column::number("most", "most", digits),
    ]
}

/// The row of a figure: its name for programs, its name for people, and the measurement.
pub fn figure_row(key: &str, what: &str, spread: &Spread) -> Row {
    let figures = [spread.median(), spread.least(), spread.most()].map(number);
    [json!(key), json!(what)].into_iter().chain(figures).collect()
}

/// A number, or `null`: JSON has no numbers that are not finite.
pub fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

impl Report {
    fn shown(&self) -> impl Iterator<Item = (usize, &Column, &'static str)> {
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(place, column)| Some((place, column, column.title?)))
    }

    /// As a table, for people.
    pub fn text(&self) -> String {
        let mut text = self.about.clone();
        text.push('\n');
        let mut lines = vec![String::new(); self.rows.len() + 1];
        for (place, column, title) in self.shown() {
            let mut cells = vec![title.to_owned()];
            cells.extend(self.rows.iter().map(|row| column.words(&row[place])));
            let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
            let is_text = self.rows.iter().any(|row| row[place].is_string());
            for (line, cell) in lines.iter_mut().zip(cells) {
                let _ = match is_text {
                    true => write!(line, "{cell:<width$}  "),
                    false => write!(line, "{cell:>width$}  "),
                };
            }
        }
        lines.iter().for_each(|line| text += &format!("{}\n", line.trim_end()));
        for plot in &self.plots {
            let _ = write!(text, "\n{}", plot.text());
        }
        if !self.remarks.is_empty() {
            let _ = write!(text, "\n{}", self.remarks);
        }
        text
    }

    /// All figures, for programs.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            let cells =
                self.columns.iter().zip(row).map(|(column, cell)| (column.key.to_owned(), cell.clone()));
            Value::Object(cells.collect::<Map<String, Value>>())
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({ "bench": self.bench, "about": self.about, "remarks": self.remarks, "rows": rows })
    }

    /// As a complete page, for a browser or for printing.
    pub fn html(&self) -> String {
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n\
             <style>{STYLE}</style>\n<h1>{0}</h1>\n{1}<table>\n<tr>",
            escaped(&format!("{} {}", self.program, self.bench)),
            paragraphs(&self.about)
        );
        for (place, _, title) in self.shown() {
            let class = self.rows.first().map_or("", |row| class(&row[place]));
            let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escaped(title));
        }
        html += "</tr>\n";
        for row in &self.rows {
            html += "<tr>";
            for (place, column, _) in self.shown() {
                let cell = escaped(&column.words(&row[place]));
                let _ = write!(html, "<td{}>{cell}</td>", class(&row[place]));
            }
            html += "</tr>\n";
        }
        html += "</table>\n";
        for plot in &self.plots {
            let _ = writeln!(html, "<figure>{}</figure>", plot.svg());
        }
        html + &paragraphs(&self.remarks) + "</html>\n"
    }
}

/// The style of a cell on a page: numbers are right-aligned.
fn class(cell: &Value) -> &'static str {
    if cell.is_string() { "" } else { " class=\"number\"" }
}

fn paragraphs(lines: &str) -> String {
    lines.lines().filter(|line| !line.is_empty()).map(|line| format!("<p>{}</p>\n", escaped(line))).collect()
}

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;\
color:#1f2328;background:#fff}p{margin:.3rem 0}table{border-collapse:collapse;margin:1.5rem 0;display:block;overflow-x:auto}\
th,td{padding:.25rem .7rem;text-align:left;border-bottom:1px solid #d0d7de;white-space:nowrap}\
.number,th.number{text-align:right;font-variant-numeric:tabular-nums}figure{margin:1.5rem 0;break-inside:avoid}svg{width:100%;height:auto}\
@media screen and (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}}\
@media print{body{margin:0;max-width:none}table{display:table;font-size:7.5pt}th,td{padding:.15rem .3rem}th{white-space:normal;vertical-align:bottom}}";

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            program: "kitchen",
            bench: "cooking",
            about: "three <cooks>\n".to_owned(),
            columns: vec![
                Column::text("dish", "dish"),
                Column::number("ms", "median ms", 1),
                Column::hidden("all_ms"),
            ],
            rows: vec![
                vec![json!("soup"), number(12.34), json!([12.34])],
                vec![json!("a long stew"), number(f64::INFINITY), json!([])],
            ],
            plots: Vec::new(),
            remarks: "all ate\n".to_owned(),
        }
    }

    #[test]
    fn people_see_aligned_columns() {
        let expected = "three <cooks>\n\n\
                        dish         median ms\n\
                        soup              12.3\n\
                        a long stew          -\n\nall ate\n";
        assert_eq!(report().text(), expected);
    }

    #[test]
    fn a_small_ratio_keeps_its_digits() {
        let column = Column::number("per_second", "per second", 0);
        assert_eq!([1835.4, 9.0, 0.44].map(|it| column.words(&number(it))), ["1835", "9", "0.44"]);
    }

    #[test]
    fn programs_see_all_figures() {
        let json = report().json();
        assert_eq!(json["rows"][0], json!({ "dish": "soup", "ms": 12.34, "all_ms": [12.34] }));
        assert_eq!(json["rows"][1]["ms"], Value::Null);
    }

    #[test]
    fn a_page_is_escaped_and_shows_what_people_see() {
        let html = report().html();
        assert!(
            html.contains("<p>three &lt;cooks&gt;</p>") && html.contains("<td class=\"number\">12.3</td>")
        );
        assert!(!html.contains("all_ms"));
    }
}
