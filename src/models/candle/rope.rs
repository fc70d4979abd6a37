//! Rotary position embedding (Su et al. 2021).

use super::gguf::{Architecture, Hyperparameters};

/// Turns the vectors of heads by angles that grow with the position.
pub struct Rope {
    frequencies: Vec<f32>,
    pairs: Pairs,
    scale: f32,
    /// Cosine and sine of each row and frequency.
    angles: Vec<(f32, f32)>,
}

/// Which two values of a head's vector turn together.
#[derive(Clone, Copy)]
enum Pairs {
    /// Neighbours, as the Llama converter orders them.
    Adjacent,
    /// The first of one half with the first of the other.
    Halves,
}

impl Rope {
    /// `factors` divide the frequencies, one a pair.
    pub fn new(shape: &Hyperparameters, factors: &[f32]) -> Self {
        let frequency = |i: usize| 1.0 / shape.rope_base.powf(2.0 * i as f32 / shape.rope_dim as f32);
        Self {
            frequencies: factors.iter().enumerate().map(|(i, factor)| frequency(i) / factor).collect(),
            pairs: match shape.architecture {
                Architecture::Llama => Pairs::Adjacent,
                Architecture::Qwen2 | Architecture::Qwen3 => Pairs::Halves,
            },
            scale: shape.rope_scale,
            angles: Vec::new(),
        }
    }

    /// Prepares the angles of `rows` positions from `first` on.
    pub fn prepare(&mut self, first: usize, rows: usize) {
        self.angles.clear();
        for position in first..first + rows {
            let position = position as f32 / self.scale;
            self.angles.extend(self.frequencies.iter().map(|frequency| {
                let (sin, cos) = (position * frequency).sin_cos();
                (cos, sin)
            }));
        }
    }

    /// Turns one head's vector at the given row.
    pub fn rotate(&self, row: usize, head: &mut [f32]) {
        let count = self.frequencies.len();
        let angles = &self.angles[row * count..][..count];
        match self.pairs {
            Pairs::Adjacent => {
                for ([a, b], &(cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(angles) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
            Pairs::Halves => {
                let (first, second) = head[..2 * count].split_at_mut(count);
                for ((a, b), &(cos, sin)) in first.iter_mut().zip(second).zip(angles) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
        }
    }
}
