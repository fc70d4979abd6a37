//! The float parts of a layer but for attention: normalisation, the gate.
//!
//! Plain loops over fixed-size arrays, compiled a second time for AVX2 and FMA
//! and a third time for AVX-512. Each output is the same chain of operations
//! whatever is computed beside it.
#![allow(unsafe_code)]

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

pub(super) const LANES: usize = 16;

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

/// `e^x` to two units in the last place, without a branch (Cephes, `expf.c`).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
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
}
