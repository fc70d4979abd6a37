//! What a child process and its parent say to each other: frames of a length
//! (little-endian, 64 bits) and as many bytes. A request is a frame of JSON
//! followed by a frame with the file; a reply is a frame of JSON followed by a
//! frame with the picture, which is empty when none was asked for.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::document::Parsed;
use crate::failure::Failure;
use crate::pdf::RenderOptions;

/// The first frame of a request.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// Path of the file; tells its format, and is the title of a document that has none.
    pub name: String,
    /// Password to open the file with.
    pub password: Option<String>,
    /// Bytes of memory that the work may take.
    pub memory: u64,
    /// What to do.
    pub task: Task,
}

/// What to do with a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Read it.
    Read,
    /// Draw a page, counted from 1.
    Draw(u32, RenderOptions),
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// The file's document.
    Read(Box<Parsed>),
    /// The page's picture is the next frame.
    Drawn,
}

/// The first frame of a reply.
pub type Reply = Result<Done, Failure>;

/// Replies beyond this size are taken for garbage.
const MAX_REPLY: u64 = 1 << 30;

/// Writes a frame.
pub fn send(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// Writes a frame of exactly `length` bytes taken from `from`.
pub fn send_from(to: &mut impl Write, from: impl Read, length: u64) -> io::Result<()> {
    to.write_all(&length.to_le_bytes())?;
    let copied = io::copy(&mut from.take(length), to)?;
    if copied < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read"));
    }
    to.flush()
}

/// Reads a frame; `None` where the stream ends instead.
///
/// Memory is taken as bytes arrive, never on the word of the length alone.
pub fn receive(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u64::from_le_bytes(length);
    if length > MAX_REPLY {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}
