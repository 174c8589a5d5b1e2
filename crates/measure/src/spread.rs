//! The spread of figures that were measured several times.

/// Some figures, in ascending order. There is at least one.
#[derive(Debug, Clone)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// The spread of these.
    ///
    /// # Panics
    /// If there are none.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Spread {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        assert!(!figures.is_empty(), "nothing was measured");
        Spread(figures)
    }

    /// The smallest figure that at least this percentage of them do not exceed.
    pub fn percentile(&self, percent: usize) -> f64 {
        self.0[(self.0.len() * percent).div_ceil(100).max(1) - 1]
    }

    /// The smallest one.
    pub fn least(&self) -> f64 {
        self.percentile(0)
    }

    /// The median: of two in the middle, the lower one.
    pub fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// The largest one.
    pub fn most(&self) -> f64 {
        self.percentile(100)
    }

    /// Their mean.
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    /// All of them.
    pub fn all(&self) -> &[f64] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_figures_that_were_measured() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0]);
        let figures = [spread.least(), spread.median(), spread.percentile(90), spread.most(), spread.mean()];
        assert_eq!(figures, [1.0, 2.0, 5.0, 5.0, 3.0]);
        assert_eq!(Spread::of([7.0]).median(), 7.0);
    }
}
