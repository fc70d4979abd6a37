//! Reads the packed file that multilingual-e5-small comes in.
//!
//! All numbers are little-endian. The header is `E5S1`, a version, then width,
//! layers, heads, inner width, words, positions, token types (i32), epsilon (f32)
//! and block length (i32). A tokenizer follows, of which we need none: the model's
//! own `tokenizer.json` is used. Then comes a directory: a count, and for each
//! tensor its name (u16 length), kind (u8), number of values (u32), offset and
//! length in bytes (u64). Kind 0 is f32; kind 1 is Q4_0, blocks of 32 weights in
//! 18 bytes: a scale (f16), then 16 bytes with weight j in the low and weight
//! j + 16 in the high half of byte j, offset by 8.

use std::collections::HashMap;
use std::ops::Range;

use half::f16;

/// Weights of a Q4_0 block.
const BLOCK: usize = 32;
/// Bytes of a Q4_0 block.
const BLOCK_BYTES: usize = 18;

/// A packed model in memory.
pub(super) struct Packed {
    bytes: Vec<u8>,
    tensors: HashMap<String, (Kind, Range<usize>)>,
    /// Sizes of the network.
    pub(super) shape: NetworkShape,
}

/// Sizes of the network.
#[derive(Clone, Copy, Debug)]
pub(super) struct NetworkShape {
    pub(super) width: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) inner: usize,
    pub(super) words: usize,
    pub(super) positions: usize,
    pub(super) epsilon: f32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    F32,
    Q4,
}

/// What every word and position adds to the network's input.
pub(super) struct Embeddings {
    width: usize,
    words: Vec<u8>,
    /// Position and token type 0 together, one row a position.
    positions: Vec<f32>,
}

impl Packed {
    /// Reads header and directory.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let mut cursor = Cursor { bytes: &bytes, at: 0 };
        if cursor.take(4)? != b"E5S1" {
            return Err("it is not a packed E5 model".into());
        }
        cursor.u32()?; // version
        let [width, layers, heads, inner, words, positions, _types] = [(); 7].map(|()| cursor.u32());
        let epsilon = f32::from_bits(cursor.u32()?);
        let block = cursor.u32()?;
        let shape = NetworkShape {
            width: width? as usize,
            layers: layers? as usize,
            heads: heads? as usize,
            inner: inner? as usize,
            words: words? as usize,
            positions: positions? as usize,
            epsilon,
        };
        if block as usize != BLOCK || !shape.width.is_multiple_of(BLOCK) || !shape.inner.is_multiple_of(BLOCK) {
            return Err(format!("its weights are in blocks of {block}, not of {BLOCK}"));
        }
        cursor.skip_tokenizer()?;
        let count = cursor.u32()?;
        let tensors = (0..count).map(|_| cursor.directory_entry()).collect::<Result<_, _>>()?;
        Ok(Self { tensors, shape, bytes })
    }

    /// An unquantized tensor.
    pub(super) fn floats(&self, name: &str) -> Result<Vec<f32>, String> {
        let bytes = self.tensor(name, Kind::F32)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect())
    }

    /// A matrix of `rows` rows (outputs), dequantized.
    pub(super) fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Vec<f32>, String> {
        let bytes = self.tensor(name, Kind::Q4)?;
        if bytes.len() != rows * columns / BLOCK * BLOCK_BYTES {
            return Err(format!("{name} is not {rows} x {columns}"));
        }
        let mut values = vec![0.0; rows * columns];
        dequantize(bytes, &mut values);
        Ok(values)
    }

    /// Keeps what the network's input is made of and drops the rest.
    pub(super) fn into_embeddings(self) -> Result<Embeddings, String> {
        let NetworkShape { width, words, positions, .. } = self.shape;
        let types = self.floats("emb.type")?;
        let mut rows = self.floats("emb.pos")?;
        let table = self.tensor("emb.word", Kind::Q4)?.to_vec();
        if types.len() < width || rows.len() != positions * width || table.len() != words * width / BLOCK * BLOCK_BYTES
        {
            return Err("its embedding tables have the wrong size".into());
        }
        for row in rows.chunks_exact_mut(width) {
            row.iter_mut().zip(&types).for_each(|(value, of_type)| *value += of_type);
        }
        Ok(Embeddings { width, words: table, positions: rows })
    }

    fn tensor(&self, name: &str, kind: Kind) -> Result<&[u8], String> {
        let (found, range) = self.tensors.get(name).ok_or_else(|| format!("it has no tensor {name}"))?;
        let bytes = self.bytes.get(range.clone()).ok_or_else(|| format!("{name} is cut off"))?;
        if *found == kind { Ok(bytes) } else { Err(format!("{name} has the wrong number format")) }
    }
}

impl Embeddings {
    /// The network's input for tokens that stand from position 0 on: one row a
    /// token. Unknown ids and positions past the last add nothing.
    pub(super) fn rows(&self, tokens: &[u32]) -> Vec<f32> {
        let mut rows = vec![0.0; tokens.len() * self.width];
        let word_bytes = self.width / BLOCK * BLOCK_BYTES;
        let positions = self.positions.chunks_exact(self.width);
        for ((row, &token), position) in rows.chunks_exact_mut(self.width).zip(tokens).zip(positions) {
            let start = token as usize * word_bytes;
            if let Some(word) = self.words.get(start..start + word_bytes) {
                dequantize(word, row);
            }
            row.iter_mut().zip(position).for_each(|(value, at)| *value += at);
        }
        rows
    }
}

fn dequantize(bytes: &[u8], values: &mut [f32]) {
    for (block, values) in bytes.chunks_exact(BLOCK_BYTES).zip(values.chunks_exact_mut(BLOCK)) {
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        let (low, high) = values.split_at_mut(BLOCK / 2);
        for ((low, high), &byte) in low.iter_mut().zip(high).zip(&block[2..]) {
            *low = (f32::from(byte & 0x0f) - 8.0) * scale;
            *high = (f32::from(byte >> 4) - 8.0) * scale;
        }
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).ok_or("it is damaged")?;
        let taken = self.bytes.get(self.at..end).ok_or("it is cut off")?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "it is cut off".to_owned())
    }

    fn u16(&mut self) -> Result<u16, String> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    fn size(&mut self) -> Result<usize, String> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| "it is damaged".to_owned())
    }

    /// Pieces with their offsets and scores, then the table of normalised characters.
    fn skip_tokenizer(&mut self) -> Result<(), String> {
        let pieces = self.u32()? as usize;
        self.take(4 * 4)?; // ids of special tokens
        let text = self.size()?;
        self.take((pieces + 1) * 4)?;
        self.take(pieces * 4)?;
        self.take(text)?;
        self.u32()?; // number of normalised characters
        let table = self.u32()? as usize;
        self.take(table).map(drop)
    }

    fn directory_entry(&mut self) -> Result<(String, (Kind, Range<usize>)), String> {
        let length = self.u16()? as usize;
        let name = String::from_utf8(self.take(length)?.to_vec()).map_err(|_| "it is damaged")?;
        let kind = match self.array::<1>()? {
            [0] => Kind::F32,
            [1] => Kind::Q4,
            [other] => return Err(format!("{name} has an unknown number format ({other})")),
        };
        self.u32()?; // number of values; its length in bytes says as much
        let (offset, length) = (self.size()?, self.size()?);
        let end = offset.checked_add(length).ok_or("it is damaged")?;
        Ok((name, (kind, offset..end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_unpacked_low_halves_first() {
        let mut block = vec![0; BLOCK_BYTES];
        block[..2].copy_from_slice(&f16::from_f32(0.5).to_le_bytes());
        block[2] = 0x9f; // weight 0: 15 - 8, weight 16: 9 - 8
        let mut values = vec![0.0; BLOCK];
        dequantize(&block, &mut values);
        assert_eq!((values[0], values[16], values[1]), (3.5, 0.5, -4.0));
    }

    #[test]
    fn damaged_files_are_errors() {
        assert!(Packed::parse(Vec::new()).is_err());
        assert!(Packed::parse(b"GGUF0000".to_vec()).is_err());
        let mut huge = b"E5S1".to_vec();
        huge.extend([0xff; 200]);
        assert!(Packed::parse(huge).is_err());
    }
}
