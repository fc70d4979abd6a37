//! A linear probe: what the model knows and does not say.
//!
//! Asked in words, a small model tells badly whether the passages hold the
//! answer. The residual stream in its upper middle tells well: on the last token
//! of the prompt, one direction of it parts questions that can be answered from
//! questions that cannot, even where these were written against the very
//! paragraph (after Slobodkin et al., "The Curious Case of Hallucinatory
//! (Un)answerability", EMNLP 2023). It costs one inner product an answer. The
//! direction belongs to one model; `eval/probe/fit.py` fits it.

use std::path::Path;

use super::state_file::ModelDigest;

/// Built-in probes. A file holds, little-endian: the SHA-256 by which the model's
/// file is known, the layer (u32), the bias (f32) and one weight (f32) a dimension.
pub(super) const PROBES: [&[u8]; 1] = [include_bytes!("../../../data/probes/qwen2.5-coder-1.5b-instruct.probe")];

/// Which layer is looked at, and the direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The layer after which the residual stream is taken, counted from 0.
    pub layer: usize,
    bias: f32,
    weights: Vec<f32>,
}

impl Probe {
    /// The built-in probe of the model at `path`, if there is one.
    pub fn of(path: &Path) -> Option<Self> {
        let ModelDigest(model) = ModelDigest::of(path).ok()?;
        PROBES.iter().find_map(|bytes| Self::parse(bytes).filter(|(of, _)| *of == model)).map(|(_, probe)| probe)
    }

    /// The digest of the model, and the probe.
    fn parse(bytes: &[u8]) -> Option<([u8; 32], Self)> {
        let (model, rest) = bytes.split_first_chunk::<32>()?;
        let (layer, rest) = rest.split_first_chunk::<4>()?;
        let (bias, rest) = rest.split_first_chunk::<4>()?;
        let weights = rest.as_chunks::<4>().0.iter().map(|&weight| f32::from_le_bytes(weight)).collect();
        let layer = u32::from_le_bytes(*layer) as usize;
        Some((*model, Self { layer, bias: f32::from_le_bytes(*bias), weights }))
    }

    /// The probability that there is no answer, from the residual stream of the
    /// prompt's last token, scaled to a mean square of 1; none for a model of another width.
    pub fn doubt(&self, state: &[f32]) -> Option<f32> {
        let sum: f32 = state.iter().zip(&self.weights).map(|(x, weight)| x * weight).sum();
        (state.len() == self.weights.len()).then(|| 1.0 / (1.0 + (self.bias + sum).exp()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_direction_decides() {
        let probe = Probe { layer: 3, bias: -1.0, weights: vec![2.0, 0.5] };
        // -1 + 2 - 1 = 0; -1 - 2 - 1 = -4, and 1 / (1 + e^-4).
        assert!((probe.doubt(&[1.0, -2.0]).unwrap() - 0.5).abs() < 1e-6);
        assert!((probe.doubt(&[-1.0, -2.0]).unwrap() - 0.982_014).abs() < 1e-5);
        assert_eq!(probe.doubt(&[1.0]), None);
    }

    #[test]
    fn the_built_in_probes_are_whole() {
        for bytes in PROBES {
            let (_, probe) = Probe::parse(bytes).unwrap();
            assert!(probe.layer > 0 && probe.weights.len() >= 512 && probe.weights.iter().all(|w| w.is_finite()));
        }
        assert_eq!(Probe::parse(&[0; 20]), None);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("other.gguf"), b"another model").unwrap();
        assert_eq!(Probe::of(&folder.path().join("other.gguf")), None);
    }
}
