//! Softmax attention of the queries of one position.
//!
//! Sixteen positions, or sixteen numbers of a value, go through a vector register at
//! once, and several queries and registers together, so that each key and value is
//! loaded once for all queries and no product waits for the one before. Written with the
//! processor's own instructions: of the plain loops that this is the same as, the
//! compiler turned some into single numbers, at a third of the speed. Each output is the same chain of operations whatever is computed
//! beside it, to the bit.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::super::kv::KEY_BLOCK;
use super::floats::{LANES, exp};

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

/// Softmax attention; `scores` is working memory and `out` is `[queries][head_dim]`.
pub fn attend(attention: &Attention<'_>, scores: &mut Vec<f32>, out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
        fn avx512(attention: &Attention<'_>, scores: &mut Vec<f32>, out: &mut [f32]) {
            // SAFETY: the function is only called where the processor has these.
            unsafe { attend_body::<Avx512>(attention, scores, out) }
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(attention: &Attention<'_>, scores: &mut Vec<f32>, out: &mut [f32]) {
            // SAFETY: as above.
            unsafe { attend_body::<Avx2>(attention, scores, out) }
        }
        if has_avx512() {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { avx512(attention, scores, out) };
        }
        if has_avx2() {
            // SAFETY: as above.
            return unsafe { avx2(attention, scores, out) };
        }
    }
    // SAFETY: plain numbers need nothing of the processor.
    unsafe { attend_body::<[f32; LANES]>(attention, scores, out) }
}

/// The softmax weights that one query gives to the positions, without what stands there:
/// the first of `scores`.
pub fn weigh(attention: &Attention<'_>, scores: &mut Vec<f32>) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
        fn avx512(attention: &Attention<'_>, scores: &mut Vec<f32>) {
            // SAFETY: the function is only called where the processor has these.
            unsafe { weigh_body::<Avx512>(attention, scores) }
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(attention: &Attention<'_>, scores: &mut Vec<f32>) {
            // SAFETY: as above.
            unsafe { weigh_body::<Avx2>(attention, scores) }
        }
        if has_avx512() {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { avx512(attention, scores) };
        }
        if has_avx2() {
            // SAFETY: as above.
            return unsafe { avx2(attention, scores) };
        }
    }
    // SAFETY: plain numbers need nothing of the processor.
    unsafe { weigh_body::<[f32; LANES]>(attention, scores) }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Sixteen numbers side by side.
///
/// # Safety
/// Every function needs the instructions that the type is named after.
unsafe trait Lanes: Copy {
    /// As many queries as fill the registers, two registers each.
    const QUERIES: usize;
    unsafe fn zero() -> Self;
    unsafe fn load(from: &[f32; LANES]) -> Self;
    unsafe fn store(self, to: &mut [f32; LANES]);
    /// `self * factor + sum`, rounded once.
    unsafe fn times_plus(self, factor: f32, sum: Self) -> Self;
}

// SAFETY: plain numbers need nothing of the processor.
unsafe impl Lanes for [f32; LANES] {
    const QUERIES: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        *from
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        *to = self;
    }

    #[inline(always)]
    unsafe fn times_plus(self, factor: f32, sum: Self) -> Self {
        std::array::from_fn(|lane| factor.mul_add(self[lane], sum[lane]))
    }
}

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx512(__m512);

#[cfg(target_arch = "x86_64")]
// SAFETY: every function needs AVX-512.
unsafe impl Lanes for Avx512 {
    const QUERIES: usize = 6;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller sees to it that the processor has it; so below.
        Self(unsafe { _mm512_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: sixteen numbers are there.
        Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: there is room for sixteen.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    unsafe fn times_plus(self, factor: f32, sum: Self) -> Self {
        // SAFETY: see `zero`.
        Self(unsafe { _mm512_fmadd_ps(_mm512_set1_ps(factor), self.0, sum.0) })
    }
}

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx2(__m256, __m256);

#[cfg(target_arch = "x86_64")]
// SAFETY: every function needs AVX2 and FMA.
unsafe impl Lanes for Avx2 {
    const QUERIES: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller sees to it that the processor has it; so below.
        unsafe { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: sixteen numbers are there.
        unsafe { Self(_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from[8..].as_ptr())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: there is room for sixteen.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), self.0);
            _mm256_storeu_ps(to[8..].as_mut_ptr(), self.1);
        }
    }

    #[inline(always)]
    unsafe fn times_plus(self, factor: f32, sum: Self) -> Self {
        // SAFETY: see `zero`.
        unsafe {
            let factor = _mm256_set1_ps(factor);
            Self(_mm256_fmadd_ps(factor, self.0, sum.0), _mm256_fmadd_ps(factor, self.1, sum.1))
        }
    }
}

#[inline(always)]
unsafe fn attend_body<V: Lanes>(attention: &Attention<'_>, scores: &mut Vec<f32>, out: &mut [f32]) {
    let dim = attention.head_dim;
    let queries = attention.queries.len() / dim;
    let mut first = 0;
    while first < queries {
        let count = (queries - first).min(V::QUERIES);
        let queries = &attention.queries[first * dim..(first + count) * dim];
        let out = &mut out[first * dim..(first + count) * dim];
        // SAFETY: the caller sees to what `V` needs; so below.
        unsafe {
            match count {
                6 => attend_together::<V, 6>(attention, queries, scores, out),
                5 => attend_together::<V, 5>(attention, queries, scores, out),
                4 => attend_together::<V, 4>(attention, queries, scores, out),
                3 => attend_together::<V, 3>(attention, queries, scores, out),
                2 => attend_together::<V, 2>(attention, queries, scores, out),
                _ => attend_together::<V, 1>(attention, queries, scores, out),
            }
        }
        first += count;
    }
}

#[inline(always)]
unsafe fn weigh_body<V: Lanes>(attention: &Attention<'_>, scores: &mut Vec<f32>) {
    // SAFETY: the caller sees to what `V` needs.
    let [inverse] = unsafe { score_together::<V, 1>(attention, attention.queries, scores) };
    for score in &mut scores[..attention.positions] {
        *score *= inverse;
    }
}

#[inline(always)]
unsafe fn attend_together<V: Lanes, const N: usize>(
    attention: &Attention<'_>,
    queries: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let Attention { values, head_dim: dim, positions, .. } = *attention;
    // SAFETY: the caller sees to what `V` needs; so below.
    let inverse = unsafe { score_together::<V, N>(attention, queries, scores) };
    let stride = positions.next_multiple_of(KEY_BLOCK);
    let weights: [&[f32]; N] = std::array::from_fn(|n| &scores[n * stride..][..positions]);
    let values = &values[..positions * dim];
    let mut start = 0;
    while start < dim {
        let write = |out: &mut [f32], n: usize, start: usize, sum: V| {
            let mut sums = [0.0; LANES];
            // SAFETY: as above.
            unsafe { sum.store(&mut sums) };
            let out: &mut [f32] = &mut out[n * dim + start..][..LANES];
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum * inverse[n]);
        };
        if start + 2 * LANES <= dim {
            // SAFETY: as above.
            let sums = unsafe { weighted::<V, N, 2>(&weights, values, dim, start) };
            for (n, [first, second]) in sums.into_iter().enumerate() {
                write(out, n, start, first);
                write(out, n, start + LANES, second);
            }
            start += 2 * LANES;
        } else {
            // SAFETY: as above.
            let sums = unsafe { weighted::<V, N, 1>(&weights, values, dim, start) };
            for (n, [sum]) in sums.into_iter().enumerate() {
                write(out, n, start, sum);
            }
            start += LANES;
        }
    }
}

/// Sums of the values weighted by each query, of `B` times sixteen numbers from `start` on.
#[inline(always)]
unsafe fn weighted<V: Lanes, const N: usize, const B: usize>(
    weights: &[&[f32]; N],
    values: &[f32],
    dim: usize,
    start: usize,
) -> [[V; B]; N] {
    // SAFETY: the caller sees to what `V` needs; so below.
    let mut sums = unsafe { [[V::zero(); B]; N] };
    for (position, value) in values.chunks_exact(dim).enumerate() {
        let (parts, _) = value[start..start + B * LANES].as_chunks::<LANES>();
        // SAFETY: as above.
        let parts: [V; B] = std::array::from_fn(|b| unsafe { V::load(&parts[b]) });
        for n in 0..N {
            let weight = weights[n][position];
            for b in 0..B {
                // SAFETY: as above.
                sums[n][b] = unsafe { parts[b].times_plus(weight, sums[n][b]) };
            }
        }
    }
    sums
}

/// Puts `e^score` of each query and position in `scores`, a query's from every whole number of
/// blocks on, and returns what makes each query's sum to 1.
#[inline(always)]
unsafe fn score_together<V: Lanes, const N: usize>(
    attention: &Attention<'_>,
    queries: &[f32],
    scores: &mut Vec<f32>,
) -> [f32; N] {
    let Attention { keys, head_dim: dim, positions, .. } = *attention;
    let stride = positions.next_multiple_of(KEY_BLOCK);
    if scores.len() < N * stride {
        scores.resize(N * stride, 0.0);
    }
    let queries: [&[f32]; N] = std::array::from_fn(|n| &queries[n * dim..(n + 1) * dim]);
    let (keys, _) = keys[..stride * dim].as_chunks::<LANES>();
    let mut write = |n: usize, block: usize, dots: V| {
        let to = scores[n * stride + block * KEY_BLOCK..].first_chunk_mut().expect("room was made");
        // SAFETY: the caller sees to what `V` needs; so below.
        unsafe { dots.store(to) };
    };
    let blocks = stride / KEY_BLOCK;
    let mut block = 0;
    while block < blocks {
        let of = |block: usize| &keys[block * dim..][..dim];
        if block + 2 <= blocks {
            // SAFETY: as above.
            let dots = unsafe { products::<V, N, 2>(&queries, &[of(block), of(block + 1)]) };
            for (n, [first, second]) in dots.into_iter().enumerate() {
                write(n, block, first);
                write(n, block + 1, second);
            }
            block += 2;
        } else {
            // SAFETY: as above.
            let dots = unsafe { products::<V, N, 1>(&queries, &[of(block)]) };
            for (n, [dots]) in dots.into_iter().enumerate() {
                write(n, block, dots);
            }
            block += 1;
        }
    }

    let scale = 1.0 / (dim as f32).sqrt();
    let mut inverse = [0.0; N];
    // No closure: it would be compiled by itself, for any processor.
    for (n, inverse) in inverse.iter_mut().enumerate() {
        let scores = &mut scores[n * stride..][..positions];
        let mut most = [f32::NEG_INFINITY; LANES];
        let (chunks, rest) = scores.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                most[lane] = if chunk[lane] > most[lane] { chunk[lane] } else { most[lane] };
            }
        }
        let most = most.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
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
        *inverse = 1.0 / sums.iter().sum::<f32>();
    }
    inverse
}

/// Products of each query with the keys of `B` blocks.
#[inline(always)]
unsafe fn products<V: Lanes, const N: usize, const B: usize>(
    queries: &[&[f32]; N],
    keys: &[&[[f32; LANES]]; B],
) -> [[V; B]; N] {
    let dim = queries[0].len();
    // SAFETY: the caller sees to what `V` needs; so below.
    let mut dots = unsafe { [[V::zero(); B]; N] };
    for i in 0..dim {
        // SAFETY: as above.
        let keys: [V; B] = std::array::from_fn(|b| unsafe { V::load(&keys[b][i]) });
        for n in 0..N {
            let query = queries[n][i];
            for b in 0..B {
                // SAFETY: as above.
                dots[n][b] = unsafe { keys[b].times_plus(query, dots[n][b]) };
            }
        }
    }
    dots
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Whatever the processor has, the result is that of the plain numbers, to the bit.
    #[test]
    fn all_kinds_of_registers_agree() {
        let number = |i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0;
        for (dim, positions, queries) in
            [(128usize, 527usize, 6usize), (64, 33, 7), (32, 16, 4), (16, 1, 1), (48, 100, 3)]
        {
            let blocks = positions.next_multiple_of(16) * dim;
            let q: Vec<f32> = (0..queries * dim).map(number).collect();
            let keys: Vec<f32> = (0..blocks).map(|i| number(i + 17)).collect();
            let values: Vec<f32> = (0..blocks).map(|i| number(i + 99)).collect();
            let attention = Attention { queries: &q, keys: &keys, values: &values, head_dim: dim, positions };
            let (mut own, mut plain) = (vec![0.0; queries * dim], vec![0.0; queries * dim]);
            attend(&attention, &mut Vec::new(), &mut own);
            // SAFETY: plain numbers need nothing of the processor.
            unsafe { attend_body::<[f32; LANES]>(&attention, &mut Vec::new(), &mut plain) };
            assert_eq!(own, plain, "{dim} {positions} {queries}");
            #[cfg(target_arch = "x86_64")]
            if has_avx2() {
                own.fill(0.0);
                // SAFETY: the processor has it.
                unsafe { attend_body::<Avx2>(&attention, &mut Vec::new(), &mut own) };
                assert_eq!(own, plain, "AVX2: {dim} {positions} {queries}");
            }
            let one = Attention { queries: &q[..dim], ..attention };
            let (mut own, mut plain) = (Vec::new(), Vec::new());
            weigh(&one, &mut own);
            // SAFETY: as above.
            unsafe { weigh_body::<[f32; LANES]>(&one, &mut plain) };
            assert_eq!(own[..positions], plain[..positions]);
            assert!((own[..positions].iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
