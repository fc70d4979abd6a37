//! Uploads: files are checked and stored under the data folder, then read in
//! the background.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::http::StatusCode;
use utoipa::ToSchema;

use super::auth::{Caller, Permission};
use super::jobs::{JobOut, Origin};
use super::keys::random_hex;
use super::problem::Problem;
use super::state::App;
use crate::error::{Error, Result};
use crate::library::DEFAULT_COLLECTION;

/// Files to add.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form only")]
pub struct UploadForm {
    /// The files; the part may be repeated.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<u8>,
    /// The collection they go to; `default` when it is not named.
    collection: Option<String>,
}

/// Files of one upload.
const MOST_FILES: usize = 1000;

/// How much of a file is looked at.
const HEAD: usize = 8192;

const TEXT: [&str; 9] = ["md", "markdown", "html", "htm", "xhtml", "txt", "text", "rst", "csv"];

/// Files on their way in; removed when the request fails.
struct Incoming(PathBuf);

impl Drop for Incoming {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Takes files; they are read in the background.
#[utoipa::path(post, path = "/api/v1/documents", tag = "documents",
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 202, body = JobOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn upload(
    State(app): State<App>,
    caller: Caller,
    parts: std::result::Result<Multipart, MultipartRejection>,
) -> std::result::Result<(StatusCode, axum::Json<JobOut>), Problem> {
    caller.require(Permission::Write)?;
    let mut parts = parts.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let _turn = app.limits.upload()?;
    let folder = app.config.data_dir.join("uploads").join(".incoming").join(random_hex(8));
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    let incoming = Incoming(folder);
    let mut collection = None;
    let mut files = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(refused)? {
        match part.name() {
            Some("collection") => {
                let name = part.text().await.map_err(refused)?;
                check_collection(&name)?;
                collection = Some(name);
            }
            Some("file") if files.len() < MOST_FILES => {
                let place = incoming.0.join(files.len().to_string());
                files.push(receive(part, &place, app.config.ingest.max_file).await?);
            }
            Some("file") => return Err(Problem::field("file", format!("more than {MOST_FILES} files at once"))),
            _ => return Err(Problem::field("file", "the parts of an upload are named `file` and `collection`")),
        }
    }
    if files.is_empty() {
        return Err(Problem::field("file", "there is no file in the upload"));
    }
    let collection = collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned());
    if !caller.sees(&collection) {
        return Err(Problem::not_found("collection", &collection));
    }
    app.blocking(move |app| {
        let stored = store(&app.config.data_dir.join("uploads").join(&collection), files)?;
        drop(incoming);
        let queued = app.jobs.queue(collection, stored.clone(), Origin::Upload);
        let job = queued.inspect_err(|_| {
            // What is not taken is not kept.
            for (_, path) in &stored {
                let _ = std::fs::remove_file(path);
            }
        })?;
        Ok((StatusCode::ACCEPTED, axum::Json(JobOut { job })))
    })
    .await
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: MultipartError) -> Problem {
    Problem::new(error.status(), error.body_text())
}

/// Writes a part to disk as it comes. Gives its name and where it is.
async fn receive(mut part: Field<'_>, place: &Path, longest: u64) -> std::result::Result<(String, PathBuf), Problem> {
    let name = file_name(part.file_name().unwrap_or_default())?;
    let declared = part.content_type().unwrap_or_default().to_ascii_lowercase();
    let mut file = File::create(place).map_err(Error::io(place))?;
    let mut head = Vec::new();
    let mut length = 0_u64;
    while let Some(bytes) = part.chunk().await.map_err(refused)? {
        length += bytes.len() as u64;
        if length > longest {
            let detail = format!("{name} is larger than the {} MiB that one file may have", longest >> 20);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        if head.len() < HEAD {
            head.extend_from_slice(&bytes[..bytes.len().min(HEAD - head.len())]);
        }
        file.write_all(&bytes).map_err(Error::io(place))?;
    }
    let is_pdf = head.windows(5).take(1024).any(|window| window == b"%PDF-");
    check_declared(&name, &declared, is_pdf)?;
    check_content(&name, &head, is_pdf)?;
    Ok((name, place.to_owned()))
}

fn unsupported(name: &str, why: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("{name}: {why}; readable are PDF, Markdown, HTML and text"),
    )
}

/// Whether the content is what the client declared it to be. Clients guess from the
/// extension and know few, so that only a clear contradiction counts.
fn check_declared(name: &str, declared: &str, is_pdf: bool) -> std::result::Result<(), Problem> {
    let kind = declared.split(';').next().unwrap_or_default().trim();
    let pdf = matches!(kind, "application/pdf" | "application/x-pdf");
    if pdf && !is_pdf {
        return Err(unsupported(name, "it is declared to be a PDF and is none"));
    }
    let other = ["image/", "audio/", "video/", "font/"].iter().any(|family| kind.starts_with(family))
        || matches!(kind, "application/zip" | "application/gzip" | "application/x-gzip" | "application/x-tar");
    if other || is_pdf && kind.starts_with("text/") {
        return Err(unsupported(name, &format!("it is declared to be {kind}, which it is not, or cannot be read")));
    }
    Ok(())
}

/// Whether the content is what the extension says.
fn check_content(name: &str, head: &[u8], is_pdf: bool) -> std::result::Result<(), Problem> {
    let extension = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if extension == "pdf" {
        return if is_pdf { Ok(()) } else { Err(unsupported(name, "its name says PDF, its content does not")) };
    }
    if !TEXT.contains(&extension.as_str()) {
        return Err(unsupported(name, "files of this kind are not read"));
    }
    let wide = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let packed = [b"PK\x03\x04".as_slice(), b"\x1f\x8b", b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"\x7fELF", b"MZ\x90"];
    if packed.iter().any(|magic| head.starts_with(magic)) || !wide && head.contains(&0) {
        return Err(unsupported(name, "its name says text, its content does not"));
    }
    Ok(())
}

/// The last part of the path that a client gave (browsers give paths when a folder
/// is chosen), if it can be a file's name. A path that leads upwards is refused.
fn file_name(given: &str) -> std::result::Result<String, Problem> {
    let upwards = given.split(['/', '\\']).any(|part| part.trim() == "..");
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let whole = !name.is_empty() && !name.starts_with('.') && name.len() <= 200;
    let sane = whole && !upwards && !name.chars().any(char::is_control);
    if sane { Ok(name.to_owned()) } else { Err(Problem::field("file", format!("{given:?} is no name of a file"))) }
}

/// Refuses names that could not be a folder's.
pub(super) fn check_collection(name: &str) -> std::result::Result<(), Problem> {
    let sane = (1..=64).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '))
        && name.trim() == name;
    let detail = "a collection's name has 1 to 64 letters, digits, spaces, - and _";
    if sane { Ok(()) } else { Err(Problem::field("collection", detail)) }
}

/// Moves the files to their place; no file is ever replaced.
fn store(folder: &Path, files: Vec<(String, PathBuf)>) -> Result<Vec<(String, PathBuf)>> {
    std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let folder = folder.canonicalize().map_err(Error::io(folder))?;
    let mut stored = Vec::with_capacity(files.len());
    for (name, from) in files {
        let to = free_place(&folder, &name)?;
        std::fs::rename(&from, &to).map_err(Error::io(&to))?;
        stored.push((name, to));
    }
    Ok(stored)
}

/// Takes `name`, or `name 2` and so on; the empty file keeps others from taking it.
fn free_place(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = Path::new(name);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let mut number = 1;
    loop {
        let name = if number == 1 { name.to_owned() } else { format!("{stem} {number}.{extension}") };
        let place = folder.join(name);
        match File::create_new(&place) {
            Ok(_) => return Ok(place),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::io(place)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        assert_eq!(file_name("handbook/zh/notes.md").unwrap(), "notes.md");
        assert_eq!(file_name("C:\\docs\\手册.PDF").unwrap(), "手册.PDF");
        for bad in [
            "../../etc/notes.md",
            "a\\..\\b.md",
            "a/../b.md",
            "",
            "..",
            ".md",
            ".hidden.md",
            "a/..",
            "a/",
            "a\n.md",
            "\u{0}.md",
        ] {
            assert!(file_name(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "..", "a/b", "a\\b", ".x", " a", "a.b"] {
            assert!(check_collection(bad).is_err(), "{bad:?}");
        }
        assert!(check_collection("手册-2_a b").is_ok());
    }

    #[test]
    fn content_that_is_not_what_its_name_says_is_refused() {
        let status = |name, head: &[u8]| check_content(name, head, head.starts_with(b"%PDF-")).map_err(|p| p.status);
        assert_eq!(status("a.pdf", b"%PDF-1.7"), Ok(()));
        assert_eq!(status("a.md", "# 标题".as_bytes()), Ok(()));
        assert_eq!(status("a.txt", &[0xff, 0xfe, b'a', 0]), Ok(()));
        for (name, head) in [
            ("a.pdf", b"hello".as_slice()),
            ("a.md", b"%PDF-1.7"),
            ("a.txt", b"PK\x03\x04"),
            ("a.exe", b"x"),
            ("a", b"x"),
            ("a.csv", b"a\0b"),
        ] {
            assert_eq!(status(name, head), Err(415), "{name}");
        }
    }

    #[test]
    fn what_a_client_declares_must_not_be_a_lie() {
        let status = |declared, is_pdf| check_declared("a", declared, is_pdf).map_err(|p| p.status);
        for (declared, is_pdf) in [
            ("", false),
            ("application/octet-stream", true),
            ("application/pdf", true),
            ("text/markdown; charset=utf-8", false),
            ("application/vnd.ms-excel", false),
        ] {
            assert_eq!(status(declared, is_pdf), Ok(()), "{declared}");
        }
        for (declared, is_pdf) in
            [("application/pdf", false), ("text/plain", true), ("image/png", false), ("application/zip", false)]
        {
            assert_eq!(status(declared, is_pdf), Err(415), "{declared}");
        }
    }

    #[test]
    fn no_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..3)
            .map(|_| free_place(folder.path(), "a.md").unwrap().file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["a.md", "a 2.md", "a 3.md"]);
    }
}
