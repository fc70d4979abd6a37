//! The float parts of a layer: normalisation, the gate, attention.
//!
//! Plain loops over fixed-size arrays, compiled a second time for AVX2 and FMA
//! and a third time for AVX-512. Each output is the same chain of operations
//! whatever is computed beside it.
#![allow(unsafe_code)]

use super::super::kv::KEY_BLOCK;

/// One head's keys and values, and the queries that look at them.
pub struct Attention<'a> {
    /// `[queries][head_dim]`: the queries of one position that share the head.
    pub queries: &'a [f32],
    /// `[positions / 16][head_dim][16]`.
    pub keys: &'a [f32],
    /// `[positions][head_dim]`.
    pub values: &'a [f32],
    /// Length of a head's vector, a multiple of 16.
    pub head_dim: usize,
    /// Positions that may be looked at, from the first on.
    pub positions: usize,
}

/// Compiles a function for the vector units that a machine may have and calls
/// the best one.
macro_rules! vectorized {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $type:ty),* $(,)?) = $body:ident;) => {
        $(#[$doc])*
        pub fn $name($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) {
                    $body($($arg),*);
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
                fn avx512($($arg: $type),*) {
                    $body($($arg),*);
                }
                if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("fma")
                {
                    // SAFETY: the processor has what the function is compiled for.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has what the function is compiled for.
                    return unsafe { avx2($($arg),*) };
                }
            }
            $body($($arg),*);
        }
    };
}

vectorized! {
    /// `out = x / rms(x) * scales` for one row (RMSNorm, Zhang and Sennrich 2019).
    pub fn normalize(x: &[f32], scales: &[f32], epsilon: f32, out: &mut [f32]) = normalize_body;
}

vectorized! {
    /// `up = silu(gate) * up`, value by value.
    pub fn multiply_silu(gate: &[f32], up: &mut [f32]) = multiply_silu_body;
}

vectorized! {
    /// Softmax attention; `scores` is working memory and `out` is `[queries][head_dim]`.
    pub fn attend(attention: &Attention<'_>, scores: &mut Vec<f32>, out: &mut [f32]) = attend_body;
}

vectorized! {
    /// The softmax weights that one query gives to the positions, without what stands there:
    /// the first of `scores`.
    pub fn weigh(attention: &Attention<'_>, scores: &mut Vec<f32>) = weigh_body;
}

const LANES: usize = 16;

#[inline(always)]
fn normalize_body(x: &[f32], scales: &[f32], epsilon: f32, out: &mut [f32]) {
    let mut sums = [0f32; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] = chunk[lane].mul_add(chunk[lane], sums[lane]);
        }
    }
    let sum = sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>();
    let inverse = 1.0 / (sum / x.len() as f32 + epsilon).sqrt();
    for ((out, x), scale) in out.iter_mut().zip(x).zip(scales) {
        *out = x * inverse * scale;
    }
}

#[inline(always)]
fn multiply_silu_body(gate: &[f32], up: &mut [f32]) {
    for (up, &gate) in up.iter_mut().zip(gate) {
        *up *= gate / (1.0 + exp(-gate));
    }
}

#[inline(always)]
fn attend_body(attention: &Attention<'_>, scores: &mut Vec<f32>, out: &mut [f32]) {
    let dim = attention.head_dim;
    let mut first = 0;
    let queries = attention.queries.len() / dim;
    // As many queries at once as the registers hold: each key is read once for all of them.
    while first < queries {
        let count = (queries - first).min(4);
        let queries = &attention.queries[first * dim..(first + count) * dim];
        let out = &mut out[first * dim..(first + count) * dim];
        match count {
            4 => attend_together::<4>(attention, queries, scores, out),
            3 => attend_together::<3>(attention, queries, scores, out),
            2 => attend_together::<2>(attention, queries, scores, out),
            _ => attend_together::<1>(attention, queries, scores, out),
        }
        first += count;
    }
}

#[inline(always)]
fn weigh_body(attention: &Attention<'_>, scores: &mut Vec<f32>) {
    let [inverse] = score_together::<1>(attention, attention.queries, scores);
    for score in &mut scores[..attention.positions] {
        *score *= inverse;
    }
}

/// Puts `e^score` of each query and position in `scores`, a query's from every whole number of
/// blocks on, and returns what makes each query's sum to 1.
#[inline(always)]
fn score_together<const N: usize>(attention: &Attention<'_>, queries: &[f32], scores: &mut Vec<f32>) -> [f32; N] {
    let Attention { keys, head_dim: dim, positions, .. } = *attention;
    let stride = positions.next_multiple_of(KEY_BLOCK);
    if scores.len() < N * stride {
        scores.resize(N * stride, 0.0);
    }
    let queries: [&[f32]; N] = std::array::from_fn(|n| &queries[n * dim..(n + 1) * dim]);

    for (block, keys) in keys.chunks_exact(dim * KEY_BLOCK).take(stride / KEY_BLOCK).enumerate() {
        let mut dots = [[0f32; KEY_BLOCK]; N];
        for (i, keys) in keys.as_chunks::<KEY_BLOCK>().0.iter().enumerate() {
            for n in 0..N {
                let query = queries[n][i];
                for lane in 0..KEY_BLOCK {
                    dots[n][lane] = query.mul_add(keys[lane], dots[n][lane]);
                }
            }
        }
        for n in 0..N {
            scores[n * stride + block * KEY_BLOCK..][..KEY_BLOCK].copy_from_slice(&dots[n]);
        }
    }

    let scale = 1.0 / (dim as f32).sqrt();
    let mut inverse = [0f32; N];
    for n in 0..N {
        let scores = &mut scores[n * stride..][..positions];
        let most = scores.iter().fold(f32::NEG_INFINITY, |most, &score| if score > most { score } else { most });
        let mut sums = [0f32; LANES];
        let (chunks, rest) = scores.as_chunks_mut::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                chunk[lane] = exp((chunk[lane] - most) * scale);
                sums[lane] += chunk[lane];
            }
        }
        for (lane, score) in rest.iter_mut().enumerate() {
            *score = exp((*score - most) * scale);
            sums[lane] += *score;
        }
        inverse[n] = 1.0 / sums.iter().sum::<f32>();
    }
    inverse
}

#[inline(always)]
fn attend_together<const N: usize>(attention: &Attention<'_>, queries: &[f32], scores: &mut Vec<f32>, out: &mut [f32]) {
    let inverse = score_together::<N>(attention, queries, scores);
    let Attention { values, head_dim: dim, positions, .. } = *attention;
    let stride = positions.next_multiple_of(KEY_BLOCK);
    let weights: [&[f32]; N] = std::array::from_fn(|n| &scores[n * stride..][..positions]);
    for start in (0..dim).step_by(LANES) {
        let mut sums = [[0f32; LANES]; N];
        for position in 0..positions {
            let values: &[f32; LANES] = values[position * dim + start..].first_chunk().expect("a head's values");
            for n in 0..N {
                let weight = weights[n][position];
                for lane in 0..LANES {
                    sums[n][lane] = weight.mul_add(values[lane], sums[n][lane]);
                }
            }
        }
        for n in 0..N {
            for lane in 0..LANES {
                out[n * dim + start + lane] = sums[n][lane] * inverse[n];
            }
        }
    }
}

/// `e^x` to two units in the last place, without a branch (Cephes, `expf.c`).
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(2.121_944_4e-4, n.mul_add(-0.693_359_4, x));
    let mut y = 1.987_569_1e-4_f32;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 5e-1] {
        y = y.mul_add(r, c);
    }
    let y = y.mul_add(r * r, r + 1.0);
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    y * f32::from_bits(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_accurate() {
        for i in -8700..8800 {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            assert!((f64::from(exp(x)) / expected - 1.0).abs() < 3e-7, "{x}");
        }
        assert!(exp(-1000.0) < 1e-37);
    }

    #[test]
    fn normalizes_to_unit_mean_square() {
        let x: Vec<f32> = (0..37).map(|i| i as f32 - 11.0).collect();
        let mut out = vec![0.0; 37];
        normalize(&x, &[2.0; 37], 0.0, &mut out);
        let mean = out.iter().map(|x| x * x).sum::<f32>() / 37.0;
        assert!((mean - 4.0).abs() < 1e-4);
    }

    #[test]
    fn silu_matches_its_definition() {
        let gate = [-3.0f32, -0.5, 0.0, 0.5, 3.0];
        let mut up = [2.0f32; 5];
        multiply_silu(&gate, &mut up);
        for (gate, got) in gate.iter().zip(up) {
            assert!((got - 2.0 * gate / (1.0 + (-gate).exp())).abs() < 1e-6);
        }
    }

    /// Against the textbook formula in doubles, for every number of queries.
    #[test]
    fn attention_matches_its_definition() {
        let (dim, positions) = (32, 37);
        let number = |i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0;
        for queries in 1..=7 {
            let q: Vec<f32> = (0..queries * dim).map(number).collect();
            let plain_keys: Vec<f32> = (0..48 * dim).map(|i| number(i + 17)).collect();
            let values: Vec<f32> = (0..48 * dim).map(|i| number(i + 99)).collect();
            let mut keys = vec![0.0; 48 * dim];
            for position in 0..48 {
                for i in 0..dim {
                    keys[position / 16 * 16 * dim + i * 16 + position % 16] = plain_keys[position * dim + i];
                }
            }
            let mut out = vec![0.0; queries * dim];
            let attention = Attention { queries: &q, keys: &keys, values: &values, head_dim: dim, positions };
            attend(&attention, &mut Vec::new(), &mut out);
            for n in 0..queries {
                let dot = |position: usize| -> f64 {
                    (0..dim).map(|i| f64::from(q[n * dim + i]) * f64::from(plain_keys[position * dim + i])).sum::<f64>()
                        / (dim as f64).sqrt()
                };
                let weights: Vec<f64> = (0..positions).map(|position| dot(position).exp()).collect();
                let total: f64 = weights.iter().sum();
                for i in 0..dim {
                    let expected: f64 =
                        (0..positions).map(|p| weights[p] * f64::from(values[p * dim + i])).sum::<f64>() / total;
                    assert!((f64::from(out[n * dim + i]) - expected).abs() < 1e-5);
                }
            }
        }
    }
}
