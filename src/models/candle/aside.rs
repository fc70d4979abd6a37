//! Conversations that are only looked at, beside the one that is held.

use super::decoder::Decoder;
use super::kv::KvCache;

/// Keys and values of the last conversation that was looked at, in the layers that
/// it was looked at in.
pub struct Aside {
    kv: KvCache,
    held: Vec<u32>,
}

impl Aside {
    /// Nothing yet; `kv` is of the decoder's shape.
    pub fn new(kv: KvCache) -> Self {
        Self { kv, held: Vec::new() }
    }

    /// The state of `decoder` after `tokens`, see [`Decoder::state_after`]. What the
    /// decoder holds itself, which is `held`, stays as it is; what `tokens` begin with
    /// of it, or of the last conversation here, is not computed again.
    ///
    /// # Panics
    /// When there are no tokens, or more than there is room for.
    pub fn state_after(&mut self, decoder: &mut Decoder, held: &[u32], tokens: &[u32]) -> Vec<f32> {
        let before_last = &tokens[..tokens.len() - 1];
        let common = |held: &[u32]| held.iter().zip(before_last).take_while(|(a, b)| a == b).count();
        // A panic may have left it half way.
        let own = if self.kv.len() == self.held.len() { common(&self.held) } else { 0 };
        self.held.clear();
        let shared = if decoder.kv().len() == held.len() { common(held) } else { 0 };
        let taken = shared > own && self.kv.import(shared, &decoder.kv().export(shared));
        let kept = if taken { shared } else { own };
        self.kv.truncate(kept);
        let state = decoder.state_after(&mut self.kv, &tokens[kept..]).to_vec();
        self.held = tokens.to_vec();
        state
    }
}

#[cfg(test)]
mod tests {
    use super::super::decoder::Logits;
    use super::super::fixture;
    use super::*;

    const ROOM: usize = 256;

    fn decoder(model: &fixture::Fixture) -> Decoder {
        let mut decoder = Decoder::load(&model.gguf(), ROOM).unwrap();
        decoder.tap(0);
        decoder
    }

    /// As the state is when all is read.
    fn read(model: &fixture::Fixture, tokens: &[u32]) -> Vec<f32> {
        decoder(model).forward_unless(tokens, Logits::Last, &|| false).unwrap().state.to_vec()
    }

    #[test]
    fn looking_gives_the_state_of_reading_and_changes_nothing() {
        let model = fixture::model();
        let (mut looked, mut plain) = (decoder(&model), decoder(&model));
        let mut aside = Aside::new(looked.another_kv(ROOM));
        let held: Vec<u32> = (1..60).collect();
        looked.forward(&held, Logits::Last);
        plain.forward(&held, Logits::Last);
        // The head of what is held, of what was looked at, of both, of neither.
        let begins = |count: usize, last: u32| -> Vec<u32> { held[..count].iter().copied().chain([last]).collect() };
        for tokens in [begins(20, 99), begins(20, 98), begins(40, 97), begins(12, 96), vec![7, 8, 9]] {
            let state = aside.state_after(&mut looked, &held, &tokens);
            assert!(!state.is_empty());
            assert_eq!(state, read(&model, &tokens), "{tokens:?}");
        }
        assert_eq!(looked.forward(&[5], Logits::Last), plain.forward(&[5], Logits::Last));
    }
}
