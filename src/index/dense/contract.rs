//! What every [`Dense`] adapter must do, as tests that all of them run.

use std::ops::Range;

use super::{Dense, EmbedderSpec, Point, rank};
use crate::index::{ChunkId, CollectionId, Scope, Scored};

const DIM: usize = 16;

/// The embedder of the test vectors.
pub(in crate::index) fn spec() -> EmbedderSpec {
    EmbedderSpec { id: "test-embedder".into(), dim: DIM }
}

/// Points with pseudo-random vectors; the collection is the number modulo 3.
pub(in crate::index) fn points(numbers: Range<u64>) -> Vec<Point> {
    numbers
        .map(|number| Point {
            chunk: ChunkId(spread(number)),
            collection: CollectionId((number % 3) as u32),
            content: format!("content-{}", number / 4),
            vector: vector(number),
        })
        .collect()
}

/// Ids all over the range of 64 bits, the upper half included.
fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

pub(in crate::index) fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x2545_f491_4f6c_dd1d);
    let mut values: Vec<f32> = (0..DIM)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        })
        .collect();
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    values.iter_mut().for_each(|v| *v /= length);
    values
}

/// Runs all tests; `open` gives the index of a name, the same one again for the same name.
pub(in crate::index) fn check(open: &dyn Fn(&str) -> Box<dyn Dense>) {
    searches_like_a_scan(&*fresh(open, "scan"));
    pushes_the_scope_down(&*fresh(open, "scope"));
    doing_it_twice_changes_nothing(&*fresh(open, "twice"));
    reset_forgets_everything(&*fresh(open, "reset"));
    keeps_what_was_written(open);
}

fn fresh(open: &dyn Fn(&str) -> Box<dyn Dense>, name: &str) -> Box<dyn Dense> {
    let index = open(name);
    index.reset(&spec()).unwrap();
    index
}

fn scan(points: &[Point], query: &[f32], k: usize) -> Vec<Scored> {
    let mut hits: Vec<Scored> = points
        .iter()
        .map(|p| Scored { chunk: p.chunk, score: p.vector.iter().zip(query).map(|(a, b)| a * b).sum() })
        .collect();
    rank(&mut hits);
    hits.truncate(k);
    hits
}

fn assert_same(found: &[Scored], expected: &[Scored]) {
    let ids = |hits: &[Scored]| hits.iter().map(|hit| hit.chunk).collect::<Vec<_>>();
    assert_eq!(ids(found), ids(expected));
    for (a, b) in found.iter().zip(expected) {
        assert!((a.score - b.score).abs() < 1e-4, "{a:?} is not {b:?}");
    }
}

fn searches_like_a_scan(index: &dyn Dense) {
    assert_eq!(index.search(&vector(7), &Scope::All, 5).unwrap(), []);
    let points = points(0..200);
    index.upsert(&points).unwrap();
    for seed in 1000..1010 {
        let query = vector(seed);
        assert_same(&index.search(&query, &Scope::All, 10).unwrap(), &scan(&points, &query, 10));
    }
    index.optimize().unwrap();
    assert_same(&index.search(&vector(3), &Scope::All, 1).unwrap(), &scan(&points, &vector(3), 1));
}

fn pushes_the_scope_down(index: &dyn Dense) {
    let points = points(0..90);
    index.upsert(&points).unwrap();
    for wanted in [vec![], vec![1], vec![0, 2], vec![9]] {
        let scope = Scope::Collections(wanted.iter().copied().map(CollectionId).collect());
        let inside: Vec<Point> = points.iter().filter(|p| wanted.contains(&p.collection.0)).cloned().collect();
        assert_same(&index.search(&vector(5), &scope, 20).unwrap(), &scan(&inside, &vector(5), 20));
    }
}

fn doing_it_twice_changes_nothing(index: &dyn Dense) {
    let mut points = points(0..40);
    index.upsert(&points).unwrap();
    index.upsert(&points[10..20]).unwrap();
    assert_eq!(index.count().unwrap(), 40);
    let gone: Vec<ChunkId> = points[..10].iter().map(|p| p.chunk).collect();
    index.remove(&gone).unwrap();
    index.remove(&gone).unwrap();
    index.remove(&[]).unwrap();
    points.drain(..10);
    // A replaced vector counts, the former one does not.
    points[0].vector = vector(999);
    index.upsert(&points[..1]).unwrap();
    assert_same(&index.search(&vector(999), &Scope::All, 3).unwrap(), &scan(&points, &vector(999), 3));
    let mut ids: Vec<ChunkId> = points.iter().map(|p| p.chunk).collect();
    ids.sort_unstable();
    assert_eq!(index.ids().unwrap(), ids);
    assert_eq!(index.count().unwrap(), 30);
}

fn reset_forgets_everything(index: &dyn Dense) {
    index.upsert(&points(0..10)).unwrap();
    assert!(index.matches(&spec()).unwrap());
    let other = EmbedderSpec { id: "another".into(), dim: 8 };
    assert!(!index.matches(&other).unwrap());
    index.reset(&other).unwrap();
    assert!(index.matches(&other).unwrap() && !index.matches(&spec()).unwrap());
    assert_eq!(index.count().unwrap(), 0);
    index.upsert(&[Point { vector: vec![0.5; 8], ..points(0..1).remove(0) }]).unwrap();
    assert_eq!(index.count().unwrap(), 1);
}

fn keeps_what_was_written(open: &dyn Fn(&str) -> Box<dyn Dense>) {
    let index = fresh(open, "kept");
    index.upsert(&points(0..20)).unwrap();
    index.remove(&[points(0..1)[0].chunk]).unwrap();
    drop(index);
    let index = open("kept");
    assert!(index.matches(&spec()).unwrap());
    assert_eq!(index.count().unwrap(), 19);
    assert_same(&index.search(&vector(4), &Scope::All, 5).unwrap(), &scan(&points(1..20), &vector(4), 5));
}
