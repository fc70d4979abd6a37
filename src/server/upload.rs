//! Uploads: files are checked and stored under the data folder, then read in
//! the background. A file that was uploaded before under the same name gives way.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::State;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{Caller, Permission};
use super::jobs::{Origin, Refused};
use super::keys::random_hex;
use super::problem::Problem;
use super::shelf::{Stored, Was};
use super::state::App;
use crate::error::Error;
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

/// An upload that was taken.
#[derive(Serialize, ToSchema)]
pub struct UploadOut {
    /// Id of the job that reads the files.
    job: String,
    /// Files that took the place of an earlier upload of the same name.
    replaced: Vec<ReplacedOut>,
    /// Files that are not taken; the others are.
    refused: Vec<RefusedOut>,
}

/// A file that took the place of an earlier upload of the same name.
#[derive(Serialize, ToSchema)]
pub struct ReplacedOut {
    name: String,
    /// Give it to `/api/v1/undo/{token}`: it brings the earlier one back.
    undo: String,
}

/// A file that is not taken.
#[derive(Serialize, ToSchema)]
pub struct RefusedOut {
    name: String,
    /// The HTTP status that it would have alone.
    status: u16,
    /// Why.
    detail: String,
    /// The same in one word, for programs: `name`, `twice`, `too_large`, `unsupported`, `mislabeled`, `clash`.
    reason: &'static str,
}

/// Files on their way in; removed when the request fails.
struct Incoming(PathBuf);

impl Drop for Incoming {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Why a file is not taken: by itself, for a reason that has a word, or because the request is broken.
enum Refusal {
    File(&'static str, Problem),
    Request(Problem),
}

/// What came of an upload's parts.
#[derive(Default)]
struct Parts {
    collection: Option<String>,
    /// Names, and where the files are meanwhile.
    files: Vec<(String, PathBuf)>,
    refused: Vec<RefusedOut>,
}

/// Takes files; they are read in the background. A file that cannot be read is refused by itself, the others are
/// taken; the request is refused when none is left. A file that was uploaded before under the same name is replaced.
#[utoipa::path(post, path = "/api/v1/documents", tag = "documents",
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 202, body = UploadOut),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn upload(
    State(app): State<App>,
    caller: Caller,
    parts: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, axum::Json<UploadOut>), Problem> {
    caller.require(Permission::Write)?;
    let mut parts = parts.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let _turn = app.limits.upload()?;
    let folder = app.config.data_dir.join("uploads").join(".incoming").join(random_hex(8));
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    let incoming = Incoming(folder);
    let come = gather(&app, &mut parts, &incoming).await?;
    if come.files.is_empty() {
        return Err(nothing_taken(&come.refused));
    }
    let collection = come.collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned());
    if !caller.sees(&collection) {
        return Err(Problem::not_found("collection", &collection));
    }
    let (files, refused) = (come.files, come.refused);
    app.blocking(move |app| {
        may_put_into(app, &caller, &collection)?;
        let out = take(app, &collection, files, refused)?;
        drop(incoming);
        Ok((StatusCode::ACCEPTED, axum::Json(out)))
    })
    .await
}

/// Takes the parts of an upload as they come.
async fn gather(app: &App, parts: &mut Multipart, incoming: &Incoming) -> Result<Parts, Problem> {
    let patience = app.options.upload_patience;
    let mut come = Parts::default();
    while let Some(part) = moving(patience, parts.next_field()).await? {
        match part.name() {
            Some("collection") => {
                let name = moving(patience, part.text()).await?;
                check_collection(&name)?;
                come.collection = Some(name);
            }
            Some("file") if come.files.len() + come.refused.len() < MOST_FILES => {
                let given = part.file_name().unwrap_or_default().chars().take(LONGEST_NAME).collect();
                let place = incoming.0.join(come.files.len().to_string());
                let taken = receive(part, &place, app.config.ingest.max_file, patience).await.and_then(|name| {
                    let twice = come.files.iter().any(|(other, _)| *other == name);
                    let problem = || Problem::field("file", format!("{name} is in the upload twice"));
                    if twice { Err(Refusal::File("twice", problem())) } else { Ok(name) }
                });
                match taken {
                    Ok(name) => come.files.push((name, place)),
                    Err(Refusal::File(reason, Problem { status, detail, .. })) => {
                        come.refused.push(RefusedOut { name: given, status, detail, reason });
                    }
                    Err(Refusal::Request(problem)) => return Err(problem),
                }
            }
            Some("file") => return Err(Problem::field("file", format!("more than {MOST_FILES} files at once"))),
            _ => return Err(Problem::field("file", "the parts of an upload are named `file` and `collection`")),
        }
    }
    Ok(come)
}

/// Stores files and has them read. When that fails, all is as it was before.
fn take(
    app: &App,
    collection: &str,
    files: Vec<(String, PathBuf)>,
    mut refused: Vec<RefusedOut>,
) -> Result<UploadOut, Problem> {
    let turn = app.shelf.turn();
    let (stored, placeless) = turn.store(collection, files)?;
    refused.extend(placeless.into_iter().map(|name| RefusedOut {
        status: StatusCode::CONFLICT.as_u16(),
        detail: format!("{name}: a folder is there by this name, or a file by the name of one of its folders"),
        reason: "clash",
        name,
    }));
    if stored.is_empty() {
        return Err(nothing_taken(&refused));
    }
    let job = read(app, collection, &stored, &refused).inspect_err(|_| turn.take_back(&stored))?;
    let replaced = stored.into_iter().filter_map(|stored| {
        let Was::Replaced { undo } = stored.was else { return None };
        Some(ReplacedOut { name: stored.name, undo })
    });
    Ok(UploadOut { job, replaced: replaced.collect(), refused })
}

/// Queues the job that reads files, in a collection that is made if it is not there. Gives its id.
fn read(app: &App, collection: &str, stored: &[Stored], refused: &[RefusedOut]) -> Result<String, Problem> {
    let made = app.library.create_collection(collection)?;
    let taken = stored.iter().map(|stored| (stored.name.clone(), stored.path.clone())).collect();
    let left = refused.iter().map(|refused| Refused {
        name: refused.name.clone(),
        message: refused.detail.clone(),
        reason: refused.reason.to_owned(),
    });
    let queued = app.jobs.queue(collection.to_owned(), taken, left.collect(), Origin::Upload);
    queued.inspect_err(|_| {
        if made {
            // One that is left is empty.
            let _ = app.library.delete_collection(collection);
        }
    })
}

/// Why nothing of an upload is taken.
fn nothing_taken(refused: &[RefusedOut]) -> Problem {
    /// Reasons that are told; they are alike where there are many.
    const TOLD: usize = 10;
    let Some(first) = refused.first() else { return Problem::field("file", "there is no file in the upload") };
    let details: Vec<&str> = refused.iter().take(TOLD).map(|refused| refused.detail.as_str()).collect();
    let more = refused.len().saturating_sub(TOLD);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let status = StatusCode::from_u16(first.status).unwrap_or(StatusCode::BAD_REQUEST);
    let problem = Problem::new(status, format!("{}{more}", details.join("; "))).about("file");
    let alike = refused.iter().all(|refused| refused.reason == first.reason);
    if alike { problem.because(first.reason) } else { problem }
}

/// Collections are made by those who may; all who may write put documents into those that there are, and into the
/// default one.
pub(super) fn may_put_into(app: &App, caller: &Caller, name: &str) -> Result<(), Problem> {
    if name == DEFAULT_COLLECTION || app.library.collections()?.iter().any(|known| known == name) {
        return Ok(());
    }
    caller.require(Permission::Admin).map_err(|problem| {
        problem.saying(format!("no collection named {name}, and this key may not make it; that needs the scope admin"))
    })
}

/// What comes next, unless nothing comes for too long: a request that stands still must not take the place of others.
async fn moving<T>(patience: Duration, next: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Problem> {
    let come = tokio::time::timeout(patience, next).await.map_err(|_| {
        let detail = format!("nothing of the upload came for {} s; send it again", patience.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    })?;
    come.map_err(|error| Problem::new(error.status(), error.body_text()))
}

/// Writes a part to disk as it comes. Gives its name.
async fn receive(mut part: Field<'_>, place: &Path, longest: u64, patience: Duration) -> Result<String, Refusal> {
    let named = file_name(part.file_name().unwrap_or_default());
    let declared = part.content_type().unwrap_or_default().to_ascii_lowercase();
    let broken = |error: Error| Refusal::Request(error.into());
    let mut file = named.is_ok().then(|| File::create(place)).transpose().map_err(|e| broken(Error::io(place)(e)))?;
    let mut head = Vec::new();
    let mut length = 0_u64;
    // What is refused is gone through to its end all the same: others come after it.
    while let Some(bytes) = moving(patience, part.chunk()).await.map_err(Refusal::Request)? {
        length += bytes.len() as u64;
        if length > longest {
            file = None;
        }
        if head.len() < HEAD {
            head.extend_from_slice(&bytes[..bytes.len().min(HEAD - head.len())]);
        }
        if let Some(file) = &mut file {
            file.write_all(&bytes).map_err(|e| broken(Error::io(place)(e)))?;
        }
    }
    let name = named.map_err(|problem| Refusal::File("name", problem))?;
    if length > longest {
        let detail = format!("{name} is larger than the {} MiB that one file may have", longest >> 20);
        return Err(Refusal::File("too_large", Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)));
    }
    let is_pdf = head.windows(5).take(1024).any(|window| window == b"%PDF-");
    check_declared(&name, &declared, is_pdf)?;
    check_content(&name, &head, is_pdf)?;
    Ok(name)
}

fn unsupported(reason: &'static str, name: &str, why: &str) -> Refusal {
    let detail = format!("{name}: {why}; readable are PDF, Markdown, HTML and text");
    Refusal::File(reason, Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// Whether the content is what the client declared it to be. Clients guess from the
/// extension and know few, so that only a clear contradiction counts.
fn check_declared(name: &str, declared: &str, is_pdf: bool) -> Result<(), Refusal> {
    let kind = declared.split(';').next().unwrap_or_default().trim();
    let pdf = matches!(kind, "application/pdf" | "application/x-pdf");
    if pdf && !is_pdf {
        return Err(unsupported("mislabeled", name, "it is declared to be a PDF and is none"));
    }
    let other = ["image/", "audio/", "video/", "font/"].iter().any(|family| kind.starts_with(family))
        || matches!(kind, "application/zip" | "application/gzip" | "application/x-gzip" | "application/x-tar");
    if other || is_pdf && kind.starts_with("text/") {
        return Err(unsupported(
            "mislabeled",
            name,
            &format!("it is declared to be {kind}, which it is not, or cannot be read"),
        ));
    }
    Ok(())
}

/// Whether the content is what the extension says.
fn check_content(name: &str, head: &[u8], is_pdf: bool) -> Result<(), Refusal> {
    let extension = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if extension == "pdf" {
        return if is_pdf {
            Ok(())
        } else {
            Err(unsupported("mislabeled", name, "its name says PDF, its content does not"))
        };
    }
    if !TEXT.contains(&extension.as_str()) {
        return Err(unsupported("unsupported", name, "files of this kind are not read"));
    }
    let wide = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let packed = [b"PK\x03\x04".as_slice(), b"\x1f\x8b", b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"\x7fELF", b"MZ\x90"];
    if packed.iter().any(|magic| head.starts_with(magic)) || !wide && head.contains(&0) {
        return Err(unsupported("mislabeled", name, "its name says text, its content does not"));
    }
    Ok(())
}

/// The longest name of a file or folder, in bytes; most file systems take 255.
const LONGEST_NAME: usize = 200;

/// Folders above a file.
const MOST_FOLDERS: usize = 16;

/// The name of a file with the folders above it, as a browser gives them when a folder is chosen, if it can be one.
/// A path of Windows is that of the client's machine: only its last part counts. A path that leads upwards is refused.
fn file_name(given: &str) -> Result<String, Problem> {
    let refused = |why: &str| {
        let shown: String = given.chars().take(LONGEST_NAME).collect();
        Problem::field("file", format!("{shown:?} is no name of a file{why}"))
    };
    if given.split(['/', '\\']).any(|part| part.trim() == "..") {
        return Err(refused(", since it leads upwards"));
    }
    let own = given.rsplit('\\').next().unwrap_or_default();
    let own = if own.len() < given.len() { own.rsplit('/').next().unwrap_or_default() } else { own };
    let parts: Vec<&str> = own.trim_start_matches('/').split('/').map(str::trim).collect();
    if parts.iter().any(|part| part.len() > LONGEST_NAME) {
        return Err(refused(&format!(": names may have {LONGEST_NAME} bytes, which are 66 Chinese characters")));
    }
    if parts.len() > MOST_FOLDERS + 1 {
        return Err(refused(&format!(": it lies in more than {MOST_FOLDERS} folders")));
    }
    if parts.iter().any(|part| part.starts_with('.')) {
        return Err(refused(", since it begins with a dot"));
    }
    let sane = |part: &&str| !part.is_empty() && !part.chars().any(char::is_control);
    if parts.iter().all(sane) { Ok(parts.join("/")) } else { Err(refused("")) }
}

/// Refuses names that could not be a folder's.
pub(super) fn check_collection(name: &str) -> Result<(), Problem> {
    let sane = (1..=64).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '))
        && name.trim() == name;
    let detail = "a collection's name has 1 to 64 letters, digits, spaces, - and _";
    if sane { Ok(()) } else { Err(Problem::field("collection", detail)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(refusal: Refusal) -> u16 {
        match refusal {
            Refusal::File(_, problem) | Refusal::Request(problem) => problem.status,
        }
    }

    #[test]
    fn names_lead_nowhere_else() {
        assert_eq!(file_name("handbook/zh/notes.md").unwrap(), "handbook/zh/notes.md");
        assert_eq!(file_name("C:\\docs\\手册.PDF").unwrap(), "手册.PDF");
        for bad in [
            "../../etc/notes.md",
            "a\\..\\b.md",
            "a/../b.md",
            "",
            "..",
            ".md",
            ".hidden.md",
            ".git/config.md",
            "a//b.md",
            "a/..",
            "a/",
            "a\n.md",
            "\u{0}.md",
            &"a/".repeat(20),
        ] {
            assert!(file_name(bad).is_err(), "{bad:?}");
        }
        let long = file_name(&format!("{}.md", "长".repeat(70))).unwrap_err();
        assert!(long.detail.contains("200 bytes"), "{}", long.detail);
        for bad in ["", "..", "a/b", "a\\b", ".x", " a", "a.b"] {
            assert!(check_collection(bad).is_err(), "{bad:?}");
        }
        assert!(check_collection("手册-2_a b").is_ok());
    }

    #[test]
    fn content_that_is_not_what_its_name_says_is_refused() {
        let status = |name, head: &[u8]| check_content(name, head, head.starts_with(b"%PDF-")).map_err(status_of);
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
        let status = |declared, is_pdf| check_declared("a", declared, is_pdf).map_err(status_of);
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
}
