//! The softest of what was lately heard.

/// The minimum over the latest `STRETCHES` stretches of `STRETCH` values.
#[derive(Clone, Debug)]
pub(crate) struct Floor<const STRETCHES: usize, const STRETCH: usize> {
    /// The smallest of each stretch.
    minima: [f32; STRETCHES],
    stretch: usize,
    /// Values of the stretch under way.
    values: usize,
}

impl<const STRETCHES: usize, const STRETCH: usize> Floor<STRETCHES, STRETCH> {
    pub(crate) fn new() -> Self {
        Self { minima: [f32::INFINITY; STRETCHES], stretch: 0, values: 0 }
    }

    /// Infinite before anything was heard.
    pub(crate) fn get(&self) -> f32 {
        self.minima.iter().fold(f32::INFINITY, |a, &b| a.min(b))
    }

    pub(crate) fn track(&mut self, value: f32) {
        self.minima[self.stretch] = self.minima[self.stretch].min(value);
        self.values += 1;
        if self.values == STRETCH {
            self.values = 0;
            self.stretch = (self.stretch + 1) % STRETCHES;
            self.minima[self.stretch] = f32::INFINITY;
        }
    }
}
