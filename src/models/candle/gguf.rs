//! A GGUF file: its metadata, hyperparameters and tensors.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::gguf_file::{Content, Value};

use super::kernels::Format;
use super::mapped::MappedFile;
use crate::error::{Error, Result};

/// An opened GGUF file.
pub struct GgufFile {
    file: Arc<MappedFile>,
    content: Content,
}

/// The families that the decoder computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Llama 2 and 3, Mistral, SmolLM2 and their kin.
    Llama,
    /// Qwen 2 and 2.5.
    Qwen2,
    /// Qwen 3, the dense ones.
    Qwen3,
}

/// The shape of a model.
#[derive(Clone, Debug)]
pub struct Hyperparameters {
    /// The family.
    pub architecture: Architecture,
    /// Number of layers.
    pub layers: usize,
    /// Length of a token's vector between the layers.
    pub width: usize,
    /// Number of query heads.
    pub heads: usize,
    /// Number of key and value heads; divides the number of query heads.
    pub kv_heads: usize,
    /// Length of a head's vector.
    pub head_dim: usize,
    /// The most positions that the model was trained for.
    pub context_length: usize,
    /// Added to the mean square before its root is taken.
    pub norm_epsilon: f32,
    /// Base of the rotary embedding's frequencies.
    pub rope_base: f32,
    /// How many values of a head are rotated.
    pub rope_dim: usize,
    /// Positions are divided by this.
    pub rope_scale: f32,
}

/// A matrix of the file, left where it is.
#[derive(Clone)]
pub struct Matrix {
    file: Arc<MappedFile>,
    start: usize,
    end: usize,
    /// How the values are stored.
    pub format: Format,
    /// Number of rows: the length of an output.
    pub rows: usize,
    /// Length of a row: the length of an input.
    pub cols: usize,
}

impl GgufFile {
    /// Opens a file and reads its metadata.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Model`] when it is no GGUF file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = Arc::new(MappedFile::open(path)?);
        let content = Content::read(&mut Cursor::new(file.bytes()))
            .map_err(|error| model_error(path, format!("is not a usable GGUF file: {error}")))?;
        Ok(Self { file, content })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// What the model calls itself, or the file's name.
    pub fn name(&self) -> String {
        match self.content.metadata.get("general.name") {
            Some(Value::String(name)) if !name.trim().is_empty() => name.clone(),
            _ => self.path().file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
        }
    }

    /// A metadata value.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(key)
    }

    /// A metadata value that is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A metadata value that is a whole number.
    pub fn integer(&self, key: &str) -> Option<u64> {
        match *self.value(key)? {
            Value::U8(n) => Some(n.into()),
            Value::U16(n) => Some(n.into()),
            Value::U32(n) => Some(n.into()),
            Value::U64(n) => Some(n),
            Value::I8(n) => n.try_into().ok(),
            Value::I16(n) => n.try_into().ok(),
            Value::I32(n) => n.try_into().ok(),
            Value::I64(n) => n.try_into().ok(),
            _ => None,
        }
    }

    /// A metadata value that is a number.
    pub fn float(&self, key: &str) -> Option<f32> {
        match *self.value(key)? {
            Value::F32(x) => Some(x),
            Value::F64(x) => Some(x as f32),
            _ => self.integer(key).map(|n| n as f32),
        }
    }

    /// An error that names the file.
    pub fn error(&self, message: impl Into<String>) -> Error {
        model_error(self.path(), message)
    }

    /// The shape of the model.
    ///
    /// # Errors
    /// [`Error::Model`] when the architecture is not supported or a value is missing or senseless.
    pub fn hyperparameters(&self) -> Result<Hyperparameters> {
        let name = self.text("general.architecture").ok_or_else(|| self.error("has no architecture"))?;
        let architecture = match name {
            "llama" => Architecture::Llama,
            "qwen2" => Architecture::Qwen2,
            "qwen3" => Architecture::Qwen3,
            other => {
                return Err(self.error(format!(
                    "architecture {other} is not supported; use a GGUF of the llama, qwen2 or qwen3 architecture, \
                     or run the model in a server and name it under [openai]"
                )));
            }
        };
        if self.integer(&format!("{name}.expert_count")).is_some_and(|experts| experts > 0) {
            return Err(self.error("is a mixture of experts, which is not supported; use a dense model"));
        }
        let required = |key: &str| {
            self.integer(&format!("{name}.{key}"))
                .map(|value| value as usize)
                .filter(|value| (1..1 << 24).contains(value))
                .ok_or_else(|| self.error(format!("{name}.{key} is missing or out of range")))
        };
        let (width, heads) = (required("embedding_length")?, required("attention.head_count")?);
        let kv_heads = required("attention.head_count_kv").unwrap_or(heads);
        let head_dim = required("attention.key_length").unwrap_or(width / heads);
        let rope_dim = required("rope.dimension_count").unwrap_or(head_dim);
        if heads % kv_heads != 0 || head_dim == 0 || rope_dim > head_dim || rope_dim % 2 != 0 {
            return Err(self.error(format!("{heads} heads of {head_dim} over {kv_heads} do not fit together")));
        }
        let rope_scale = match self.text(&format!("{name}.rope.scaling.type")) {
            None | Some("none") => 1.0,
            Some("linear") => self.float(&format!("{name}.rope.scaling.factor")).unwrap_or(1.0),
            Some(other) => return Err(self.error(format!("position scaling {other} is not supported"))),
        };
        Ok(Hyperparameters {
            architecture,
            layers: required("block_count")?,
            width,
            heads,
            kv_heads,
            head_dim,
            context_length: required("context_length")?,
            norm_epsilon: self.float(&format!("{name}.attention.layer_norm_rms_epsilon")).unwrap_or(1e-5),
            rope_base: self.float(&format!("{name}.rope.freq_base")).unwrap_or(10_000.0),
            rope_dim,
            rope_scale,
        })
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, tensor: &str) -> bool {
        self.content.tensor_infos.contains_key(tensor)
    }

    /// A matrix, with its shape checked.
    ///
    /// # Errors
    /// [`Error::Model`] when it is missing, of another shape or an unknown format.
    pub fn matrix(&self, name: &str, rows: usize, cols: usize) -> Result<Matrix> {
        let matrix = self.tensor(name)?;
        if (matrix.rows, matrix.cols) != (rows, cols) {
            return Err(
                self.error(format!("tensor {name} is {} x {} instead of {rows} x {cols}", matrix.rows, matrix.cols))
            );
        }
        Ok(matrix)
    }

    /// A vector as floats, with its length checked.
    ///
    /// # Errors
    /// As [`GgufFile::matrix`].
    pub fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>> {
        let matrix = self.matrix(name, 1, len)?;
        let mut values = vec![0.0; len];
        matrix.format.dequantize(matrix.bytes(), &mut values);
        Ok(values)
    }

    /// The number of rows of a matrix.
    ///
    /// # Errors
    /// As [`GgufFile::matrix`].
    pub fn rows(&self, name: &str) -> Result<usize> {
        Ok(self.tensor(name)?.rows)
    }

    fn tensor(&self, name: &str) -> Result<Matrix> {
        let info = self.content.tensor_infos.get(name).ok_or_else(|| self.error(format!("has no tensor {name}")))?;
        let (rows, cols) = match *info.shape.dims() {
            [cols] => (1, cols),
            [rows, cols] => (rows, cols),
            _ => return Err(self.error(format!("tensor {name} is no matrix"))),
        };
        let format = Format::from_ggml(info.ggml_dtype)
            .ok_or_else(|| self.error(format!("tensor {name} has the unsupported format {:?}", info.ggml_dtype)))?;
        let range = (|| {
            let blocks = cols.checked_mul(rows)? / format.block_len();
            let start = usize::try_from(self.content.tensor_data_offset.checked_add(info.offset)?).ok()?;
            let end = start.checked_add(blocks.checked_mul(format.block_bytes())?)?;
            (cols % format.block_len() == 0 && end <= self.file.bytes().len()).then_some((start, end))
        })();
        let (start, end) = range.ok_or_else(|| {
            self.error(format!("tensor {name} does not lie in the file; it is damaged or cut short, pull it again"))
        })?;
        Ok(Matrix { file: Arc::clone(&self.file), start, end, format, rows, cols })
    }
}

impl Matrix {
    /// All rows.
    pub fn bytes(&self) -> &[u8] {
        &self.file.bytes()[self.start..self.end]
    }

    /// The values of one row.
    pub fn dequantize_row(&self, row: usize, out: &mut [f32]) {
        let row_bytes = (self.end - self.start) / self.rows;
        self.format.dequantize(&self.bytes()[row * row_bytes..][..row_bytes], out);
    }
}

fn model_error(path: &Path, message: impl Into<String>) -> Error {
    Error::Model { name: path.display().to_string(), message: message.into() }
}
