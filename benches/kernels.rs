//! Products of quantized matrices, by Attest's kernels and by candle's: the
//! shapes and formats of Qwen2.5-1.5B in Q4_K_M, for one row of inputs (writing),
//! eight (checking proposed tokens) and 256 (reading a prompt).
//!
//! And the attention of one position.
//!
//! Twelve copies of each matrix are multiplied in turn, so that the weights come
//! from memory, as they do when a model runs.

use attest::models::kernels::{Attention, Format, Inputs, Product, attend, multiply};
use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{Device, Module, Tensor};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const COPIES: usize = 12;

fn products(c: &mut Criterion) {
    for (dtype, rows, width) in [
        (GgmlDType::Q4K, 8960, 1536),
        (GgmlDType::Q4K, 1536, 8960),
        (GgmlDType::Q6K, 1536, 8960),
        (GgmlDType::Q6K, 8960, 1536),
    ] {
        let mut group = c.benchmark_group(format!("{dtype:?} {rows}x{width}"));
        group.sample_size(10);
        let weights = Tensor::randn(0f32, 1.0, (rows, width), &Device::Cpu).unwrap();
        let weights = QTensor::quantize(&weights, dtype).unwrap();
        let bytes: Vec<Vec<u8>> = (0..COPIES).map(|_| weights.data().unwrap().to_vec()).collect();
        group.throughput(Throughput::Bytes((bytes[0].len() * COPIES) as u64));
        let format = Format::from_ggml(dtype).unwrap();
        let copy = || QTensor::quantize(&weights.dequantize(&Device::Cpu).unwrap(), dtype).unwrap();
        let theirs: Vec<QMatMul> = (0..COPIES).map(|_| QMatMul::from_qtensor(copy()).unwrap()).collect();
        for n in [1, 8, 256] {
            let input = Tensor::randn(0f32, 1.0, (n, width), &Device::Cpu).unwrap();
            let floats: Vec<f32> = input.flatten_all().unwrap().to_vec1().unwrap();
            let mut inputs = Inputs::default();
            let mut out = vec![0.0; n * rows];
            group.bench_function(BenchmarkId::new("attest", n), |b| {
                b.iter(|| {
                    for weights in &bytes {
                        inputs.begin(n, width).copy_from_slice(&floats);
                        multiply(&mut [Product { format, weights, out: &mut out }], &mut inputs);
                    }
                });
            });
            group.bench_function(BenchmarkId::new("candle", n), |b| {
                b.iter(|| {
                    for weights in &theirs {
                        weights.forward(&input).unwrap();
                    }
                });
            });
        }
        group.finish();
    }
}

/// One position's attention in one layer: six heads on one head of keys and values, as in Qwen2.5-1.5B.
fn attention(c: &mut Criterion) {
    const DIM: usize = 128;
    let mut group = c.benchmark_group("attention");
    let number = |i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0;
    for positions in [128usize, 512, 2048] {
        let numbers = |count: usize, from: usize| (from..from + count).map(number).collect::<Vec<f32>>();
        let (queries, keys, values) = (numbers(6 * DIM, 0), numbers(positions * DIM, 17), numbers(positions * DIM, 99));
        let (mut scores, mut out) = (Vec::new(), vec![0.0; 6 * DIM]);
        group.throughput(Throughput::Elements((6 * positions * DIM * 2) as u64));
        group.bench_function(BenchmarkId::from_parameter(positions), |b| {
            let attention = Attention { queries: &queries, keys: &keys, values: &values, head_dim: DIM, positions };
            b.iter(|| attend(&attention, &mut scores, &mut out));
        });
    }
}

criterion_group!(benches, products, attention);
criterion_main!(benches);
