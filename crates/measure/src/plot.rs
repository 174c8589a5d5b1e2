//! Plots: as letters in a terminal, and as SVG.

use std::fmt::Write as _;

/// Lines in a common coordinate system.
#[derive(Debug, Clone)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// What is plotted.
    pub lines: Vec<Line>,
}

/// What an axis shows.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// What it counts, and the unit.
    pub title: &'static str,
    /// How it is divided.
    pub scale: Scale,
}

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// From zero on.
    Linear,
    /// Each factor of ten takes the same space.
    Logarithmic,
}

/// A line from point to point.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// With ascending x.
    pub points: Vec<(f64, f64)>,
}

impl Line {
    /// The share of the values, in percent, that are no larger than each. Values that are not finite never
    /// count.
    pub fn cumulative(name: &str, values: impl IntoIterator<Item = f64>) -> Line {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let count = values.len() as f64;
        let finite = values.iter().zip(1..).filter(|(value, _)| value.is_finite());
        let steps = finite.flat_map(|(&value, rank)| {
            let rank = f64::from(rank);
            [(value, (rank - 1.0) / count * 100.0), (value, rank / count * 100.0)]
        });
        Line { name: name.to_owned(), points: steps.collect() }
    }

    /// Its height here, once it has begun.
    fn height_at(&self, x: f64) -> Option<f64> {
        let after = self.points.partition_point(|(before, _)| *before <= x);
        let &(x0, y0) = self.points.get(after.checked_sub(1)?)?;
        match self.points.get(after) {
            Some(&(x1, y1)) => Some(y0 + (y1 - y0) * (x - x0) / (x1 - x0)),
            None => (x <= x0).then_some(y0),
        }
    }
}

/// The part of an axis that is shown.
struct Range {
    scale: Scale,
    from: f64,
    to: f64,
}

impl Scale {
    /// Does it include the value?
    fn shows(self, value: f64) -> bool {
        value.is_finite() && (self == Scale::Linear || value > 0.0)
    }
}

impl Range {
    fn of(axis: Axis, values: impl Iterator<Item = f64>) -> Range {
        let finite = values.filter(|value| axis.scale.shows(*value));
        let (least, most) = finite.fold((f64::MAX, f64::MIN), |(min, max), it| (min.min(it), max.max(it)));
        let (from, to) = match axis.scale {
            _ if least > most => (1.0, 10.0),
            Scale::Linear => (0.0, most),
            Scale::Logarithmic => (least, most),
        };
        Range { scale: axis.scale, from, to: if to > from { to } else { from * 10.0 + 1.0 } }
    }

    /// Where a value is, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Logarithmic => (value / self.from).ln() / (self.to / self.from).ln(),
        }
    }

    /// The value at this place.
    fn value(&self, place: f64) -> f64 {
        match self.scale {
            Scale::Linear => self.from + place * (self.to - self.from),
            Scale::Logarithmic => self.from * (self.to / self.from).powf(place),
        }
    }

    /// Round numbers to write at the axis.
    fn ticks(&self) -> Vec<f64> {
        let decade = |value: f64| 10f64.powf(value.log10().floor());
        let candidates: Vec<f64> = match self.scale {
            Scale::Linear => {
                let step = decade(self.to);
                let step = [step / 5.0, step / 2.0, step, step * 2.0];
                let step = step.into_iter().find(|step| self.to / step <= 6.0).unwrap_or(self.to);
                (0..=6).map(|count| f64::from(count) * step).collect()
            }
            Scale::Logarithmic => {
                let first = decade(self.from);
                (0..12).flat_map(|power| [1.0, 2.0, 5.0].map(|it| it * first * 10f64.powi(power))).collect()
            }
        };
        candidates.into_iter().filter(|tick| (self.from..=self.to).contains(tick)).collect()
    }
}

/// A number as it is written at an axis.
fn label(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", value / 1e6),
        1e4.. => format!("{}k", value / 1e3),
        _ => format!("{}", (value * 1e3).round() / 1e3),
    }
}

/// The letters that lines are drawn with in a terminal.
const LETTERS: [char; 10] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];

impl Plot {
    fn ranges(&self) -> (Range, Range) {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        (Range::of(self.x, points().map(|point| point.0)), Range::of(self.y, points().map(|point| point.1)))
    }

    /// Drawn with letters: each line has its own.
    pub fn text(&self) -> String {
        const COLUMNS: usize = 64;
        const ROWS: usize = 16;
        let (x, y) = self.ranges();
        let mut rows = vec![vec![' '; COLUMNS]; ROWS];
        for (line, letter) in self.lines.iter().zip(LETTERS.into_iter().cycle()) {
            let places = (0..COLUMNS).map(|column| column as f64 / (COLUMNS - 1) as f64);
            for (column, place) in places.enumerate() {
                if let Some(height) = line.height_at(x.value(place)) {
                    let row = (y.place(height) * (ROWS - 1) as f64).round() as usize;
                    rows[ROWS - 1 - row.min(ROWS - 1)][column] = letter;
                }
            }
        }
        let mut text = format!("{}\n{}\n", self.title, self.y.title);
        for (number, row) in rows.iter().enumerate() {
            let value = y.value(1.0 - number as f64 / (ROWS - 1) as f64);
            let value = if number % 5 == 0 { label(value.round()) } else { String::new() };
            let row: String = row.iter().collect();
            let _ = writeln!(text, "{value:>7} │{}", row.trim_end());
        }
        let mut scale = vec![' '; COLUMNS + 8];
        let mut free_from = 0;
        for tick in x.ticks() {
            let (at, tick) = ((x.place(tick) * (COLUMNS - 1) as f64).round() as usize, label(tick));
            if at >= free_from {
                scale.splice(at..at + tick.len(), tick.chars());
                free_from = at + tick.len() + 1;
            }
        }
        let scale: String = scale.into_iter().collect();
        let _ = writeln!(
            text,
            "        └{}\n         {}  {}",
            "─".repeat(COLUMNS),
            scale.trim_end(),
            self.x.title
        );
        let names = self.lines.iter().zip(LETTERS.into_iter().cycle());
        let names: Vec<String> = names.map(|(line, letter)| format!("{letter} {}", line.name)).collect();
        let _ = writeln!(text, "         {}", names.join("   "));
        text
    }

    /// An image for a page or a file of its own. It fits a light and a dark background, and paper.
    pub fn svg(&self) -> String {
        const LEFT: f64 = 64.0;
        const TOP: f64 = 40.0;
        const BOTTOM: f64 = 52.0;
        let (x, y) = self.ranges();
        let right = WIDTH - self.names_width();
        let across = |value: f64| LEFT + x.place(value) * (right - LEFT);
        let down = |value: f64| HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{0}\">\n\
             <style>{STYLE}</style>\n<text class=\"title\" x=\"{LEFT}\" y=\"20\">{0}</text>\n",
            escaped(&self.title)
        );
        let bottom = HEIGHT - BOTTOM;
        for tick in x.ticks() {
            let at = across(tick);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{at:.1} {TOP}V{bottom}\"/><text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 16.0,
                label(tick)
            );
        }
        for tick in y.ticks() {
            let at = down(tick);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                label(tick)
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"axis\" transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            (LEFT + right) / 2.0,
            HEIGHT - 12.0,
            escaped(self.x.title),
            (TOP + bottom) / 2.0,
            escaped(self.y.title)
        );
        for (number, line) in self.lines.iter().enumerate() {
            let (class, row) = (number % COLOURS, TOP + 12.0 + number as f64 * 20.0);
            let points = line.points.iter().filter(|(px, py)| x.scale.shows(*px) && y.scale.shows(*py));
            let points = points.map(|&(px, py)| (across(px), down(py)));
            let points: Vec<String> = visible(points).map(|(px, py)| format!("{px:.1} {py:.1}")).collect();
            if !points.is_empty() {
                let _ = writeln!(svg, "<path class=\"line l{class}\" d=\"M{}\"/>", points.join("L"));
            }
            let _ = writeln!(
                svg,
                "<path class=\"line l{class}\" d=\"M{:.1} {row:.1}h24\"/><text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                right + 12.0,
                right + 42.0,
                row + 4.0,
                escaped(&line.name)
            );
        }
        svg + "</svg>\n"
    }

    /// The width of the lines' names beside the plot.
    fn names_width(&self) -> f64 {
        const LETTER: f64 = 7.0;
        let longest = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or_default();
        50.0 + LETTER * longest as f64
    }
}

/// Several plots in one image, one below the other.
pub fn stacked(plots: &[Plot]) -> String {
    let height = HEIGHT * plots.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\n"
    );
    for (number, plot) in plots.iter().enumerate() {
        let at = HEIGHT * number as f64;
        let _ = writeln!(svg, "<g transform=\"translate(0 {at})\">{}</g>", plot.svg());
    }
    svg + "</svg>\n"
}

/// The size of a plot as an image.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;

/// Number of styles for lines: each has a colour, and dashes of its own.
const COLOURS: usize = 8;

const STYLE: &str = "\
svg{font-family:system-ui,sans-serif;color:#1f2328}\
text{fill:currentColor;font-size:12px}.title{font-size:14px;font-weight:600}.tick,.axis{font-size:11px;opacity:.8}\
.grid{stroke:currentColor;opacity:.15;fill:none}.line{fill:none;stroke-width:2}\
.l0{stroke:#0969da}.l1{stroke:#bc4c00;stroke-dasharray:8 3}.l2{stroke:#1a7f37;stroke-dasharray:3 3}\
.l3{stroke:#8250df;stroke-dasharray:10 3 2 3}.l4{stroke:#cf222e;stroke-dasharray:14 4}.l5{stroke:#57606a;stroke-dasharray:1 3}\
.l6{stroke:#1b7c83;stroke-dasharray:6 2 1 2 1 2}.l7{stroke:#9a6700;stroke-dasharray:20 3}\
@media screen and (prefers-color-scheme:dark){svg{color:#e6edf3}.l0{stroke:#58a6ff}.l1{stroke:#f0883e}.l2{stroke:#3fb950}\
.l3{stroke:#bc8cff}.l4{stroke:#ff7b72}.l5{stroke:#8b949e}.l6{stroke:#39c5cf}.l7{stroke:#d29922}}";

/// The points without those that can't be distinguished from the one before.
fn visible(points: impl Iterator<Item = (f64, f64)>) -> impl Iterator<Item = (f64, f64)> {
    let mut last: Option<(f64, f64)> = None;
    points.filter(move |&(x, y)| {
        let is_new = last.is_none_or(|(before_x, before_y)| (x - before_x).hypot(y - before_y) > 1.0);
        if is_new {
            last = Some((x, y));
        }
        is_new
    })
}

/// For text within HTML and SVG.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(scale: Scale, lines: Vec<Line>) -> Plot {
        Plot {
            title: "a < b".to_owned(),
            x: Axis { title: "ms", scale },
            y: Axis { title: "%", scale: Scale::Linear },
            lines,
        }
    }

    #[test]
    fn a_cumulative_line_rises_to_the_share_that_is_finite() {
        let line = Line::cumulative("x", [30.0, f64::INFINITY, 10.0, 20.0]);
        assert_eq!(line.points.first(), Some(&(10.0, 0.0)));
        assert_eq!(line.points.last(), Some(&(30.0, 75.0)));
        assert_eq!(line.height_at(15.0), Some(25.0));
        assert_eq!(line.height_at(5.0), None);
        assert_eq!(line.height_at(31.0), None);
    }

    #[test]
    fn places_and_values_are_inverse() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let range = Range::of(Axis { title: "", scale }, [12.0, 1000.0].into_iter());
            assert_eq!((range.place(range.to), range.place(range.from)), (1.0, 0.0));
            assert!((range.place(range.value(0.3)) - 0.3).abs() < 1e-9);
            assert!(range.ticks().len() >= 3, "{:?}", range.ticks());
        }
    }

    #[test]
    fn nothing_that_is_drawn_makes_no_nonsense() {
        for values in [vec![], vec![f64::INFINITY], vec![5.0], vec![0.0, 0.0], vec![1.0, 1e9]] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let plot = plot(scale, vec![Line::cumulative("values", values.clone())]);
                let drawn = plot.svg() + &plot.text();
                assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{values:?}: {drawn}");
            }
        }
    }

    #[test]
    fn text_is_escaped_and_each_line_named() {
        let lines = vec![Line::cumulative("one", [1.0, 2.0]), Line::cumulative("two", [2.0, 40.0])];
        let plot = plot(Scale::Logarithmic, lines);
        let (svg, text) = (plot.svg(), plot.text());
        assert!(svg.contains("a &lt; b") && svg.contains(">two</text>"));
        assert!(text.contains("a one   b two"), "{text}");
        assert!(text.lines().any(|line| line.contains('b') && line.contains("100")), "{text}");
    }

    #[test]
    fn a_long_name_has_room_beside_a_plot() {
        let named = |name: &str| plot(Scale::Linear, vec![Line::cumulative(name, [1.0, 2.0])]);
        let [short, long] = [named("x"), named("a name of some words and more")];
        assert!(long.names_width() - short.names_width() >= 28.0 * 6.6);
        assert!(long.svg().contains(&format!("H{}", WIDTH - long.names_width())));
    }
}
