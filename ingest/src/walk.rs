//! Which files of a folder are documents.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::error::IngestError;

/// How to walk.
#[derive(Clone, Copy, Debug)]
pub struct WalkOptions {
    /// Larger files are not read.
    pub max_bytes: u64,
}

/// A file to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// The folder that was walked; none when the file was named itself.
    pub root: Option<PathBuf>,
}

/// A file in a folder that is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedFile {
    /// Its path.
    pub path: PathBuf,
    /// Why it is skipped.
    pub reason: String,
}

/// What a path holds.
#[derive(Debug, Default)]
pub struct Walked {
    /// Files to be read, by path.
    pub files: Vec<Found>,
    /// Files in formats that are not read.
    pub skipped: Vec<SkippedFile>,
    /// Files and folders that could not be looked at, or are too large.
    pub errors: Vec<IngestError>,
}

/// Extensions that are read. What a file really is decides how; this only
/// keeps pictures, archives and data out of a folder's documents.
const EXTENSIONS: &[&str] = &[
    "pdf", "md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd", "html", "htm", "xhtml", "txt", "text", "rst", "adoc",
    "asciidoc", "org", "tex", "log", "csv", "tsv", "srt", "vtt", "rs", "py", "js", "ts", "jsx", "tsx", "go", "java",
    "c", "h", "cc", "cpp", "hpp", "cs", "rb", "php", "swift", "kt", "scala", "sh", "bash", "sql", "toml", "yaml",
    "yml", "ini", "cfg", "conf", "proto", "lua", "r", "jl", "pl",
];

/// Files that are read without an extension.
const NAMES: &[&str] =
    &["readme", "license", "licence", "changelog", "contributing", "authors", "notice", "makefile", "dockerfile"];

/// The documents under `root`: itself when it is a file, else everything in it
/// except hidden files and what `.gitignore` and `.attestignore` in it exclude.
/// What stands above `root` excludes nothing: who names a folder wants it, even
/// one that a repository leaves out. Symbolic links are followed, loops are not.
#[must_use]
pub fn walk(root: &Path, options: &WalkOptions) -> Walked {
    let mut walked = Walked::default();
    if root.is_file() {
        walked.take(root, None, options);
        return walked;
    }
    if root.exists() && !root.is_dir() {
        let source = std::io::Error::other("it is neither a file nor a folder");
        walked.errors.push(IngestError::Io { path: root.to_owned(), source });
        return walked;
    }
    let walker = WalkBuilder::new(root)
        .follow_links(true)
        .require_git(false)
        .parents(false)
        .git_global(false)
        .add_custom_ignore_filename(".attestignore")
        .sort_by_file_path(Path::cmp)
        .build();
    for entry in walker {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                let reason = match () {
                    () if !is_document(entry.path()) => "not a format that is read (PDF, Markdown, HTML, plain text)",
                    () if is_generated(entry.path()) => {
                        "a script that no person wrote: its lines are thousands of letters long"
                    }
                    () => {
                        walked.take(entry.path(), Some(root), options);
                        continue;
                    }
                };
                walked.skipped.push(SkippedFile { path: entry.into_path(), reason: reason.to_owned() });
            }
            Ok(_) => {}
            Err(error) => walked.note(root, error),
        }
    }
    walked
}

impl Walked {
    fn take(&mut self, path: &Path, root: Option<&Path>, options: &WalkOptions) {
        match path.metadata() {
            Ok(metadata) if metadata.len() > options.max_bytes => self.errors.push(IngestError::TooLarge {
                path: path.to_owned(),
                bytes: metadata.len(),
                limit: options.max_bytes,
            }),
            Ok(_) => self.files.push(Found { path: path.to_owned(), root: root.map(Path::to_owned) }),
            Err(source) => self.errors.push(IngestError::Io { path: path.to_owned(), source }),
        }
    }

    /// A loop of links is no error: what it leads to is walked anyway.
    fn note(&mut self, root: &Path, error: ignore::Error) {
        let path = match &error {
            ignore::Error::Loop { .. } => return,
            ignore::Error::WithDepth { err, .. } if matches!(**err, ignore::Error::Loop { .. }) => return,
            ignore::Error::WithDepth { err, .. } => match &**err {
                ignore::Error::WithPath { path, .. } => path.clone(),
                _ => root.to_owned(),
            },
            ignore::Error::WithPath { path, .. } => path.clone(),
            _ => root.to_owned(),
        };
        if path.is_symlink() && !path.exists() {
            self.skipped.push(SkippedFile { path, reason: "a link that leads nowhere".to_owned() });
            return;
        }
        let message = error.to_string();
        let source = error.into_io_error().unwrap_or_else(|| std::io::Error::other(message));
        self.errors.push(IngestError::Io { path, source });
    }
}

fn is_document(path: &Path) -> bool {
    let lower = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().to_lowercase());
    match lower(path.extension()) {
        Some(extension) => EXTENSIONS.contains(&extension.as_str()),
        None => lower(path.file_name()).is_some_and(|name| NAMES.contains(&name.as_str())),
    }
}

/// Longer lines are not written by hand.
const LONGEST_LINE: usize = 2000;
/// Bytes of a file in which they are looked for.
const LOOKED_AT: u64 = 1 << 16;

/// Whether a script was minified, or made by a program: the search index of a site of
/// documentation holds all of its text a second time, in one line.
fn is_generated(path: &Path) -> bool {
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("js")) {
        return false;
    }
    let mut head = Vec::new();
    // What cannot be read is told about when it is read.
    let read = File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut head));
    read.is_ok() && head.split(|&byte| byte == b'\n').any(|line| line.len() > LONGEST_LINE)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const OPTIONS: WalkOptions = WalkOptions { max_bytes: 100 };

    fn names(walked: &Walked, root: &Path) -> Vec<String> {
        walked.files.iter().map(|f| f.path.strip_prefix(root).unwrap().display().to_string()).collect()
    }

    #[test]
    fn folders_are_walked_in_order_without_what_is_excluded() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        for (name, text) in [
            ("b.md", "x"),
            ("a.PDF", "x"),
            ("sub/deep/c.txt", "x"),
            ("sub/private.md", "x"),
            ("drafts.md", "x"),
            (".hidden.md", "x"),
            ("data.jsonl", "{}"),
            ("README", "x"),
            ("sub/.gitignore", "private.md\n"),
            (".attestignore", "drafts.md\n"),
        ] {
            fs::write(root.join(name), text).unwrap();
        }
        fs::write(root.join("big.txt"), [b'x'; 101]).unwrap();
        let walked = walk(root, &OPTIONS);
        assert_eq!(names(&walked, root), ["README", "a.PDF", "b.md", "sub/deep/c.txt"]);
        assert_eq!(walked.skipped.iter().map(|s| s.path.file_name().unwrap()).collect::<Vec<_>>(), ["data.jsonl"]);
        assert_eq!(walked.errors.iter().map(IngestError::reason).collect::<Vec<_>>(), ["too_large"]);
    }

    #[test]
    fn minified_scripts_are_no_documents() {
        let folder = tempfile::tempdir().unwrap();
        let long = format!("var a=1;\nwindow.search={{{}}}", "\"word\":[1],".repeat(400));
        for (name, text) in
            [("index.js", &*long), ("app.js", "// Adds.\nconst add = (a, b) => a + b;\n"), ("prose.txt", &*long)]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let walked = walk(folder.path(), &WalkOptions { max_bytes: 1 << 20 });
        assert_eq!(names(&walked, folder.path()), ["app.js", "prose.txt"]);
        assert_eq!(walked.skipped.len(), 1);
        // Whoever names it wants it.
        assert_eq!(walk(&folder.path().join("index.js"), &WalkOptions { max_bytes: 1 << 20 }).files.len(), 1);
    }

    #[test]
    fn what_stands_above_the_folder_excludes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("build");
        fs::create_dir(&root).unwrap();
        fs::write(folder.path().join(".gitignore"), "*\n").unwrap();
        fs::write(root.join("a.md"), "x").unwrap();
        assert_eq!(names(&walk(&root, &OPTIONS), &root), ["a.md"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_neither_file_nor_folder_is_an_error() {
        let walked = walk(Path::new("/dev/null"), &OPTIONS);
        assert_eq!(walked.errors.iter().map(IngestError::reason).collect::<Vec<_>>(), ["unreadable"]);
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_and_links_to_nothing_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/a.md"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("sub/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere.md", folder.path().join("dangling.md")).unwrap();
        std::os::unix::fs::symlink("itself.md", folder.path().join("itself.md")).unwrap();
        let walked = walk(folder.path(), &OPTIONS);
        assert_eq!(names(&walked, folder.path()), ["sub/a.md"]);
        assert!(walked.errors.is_empty(), "{:?}", walked.errors);
        assert_eq!(walked.skipped.len(), 2);
    }

    #[test]
    fn a_named_file_is_taken_whatever_its_extension() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.weird");
        fs::write(&file, "x").unwrap();
        let walked = walk(&file, &OPTIONS);
        assert_eq!(walked.files, [Found { path: file, root: None }]);
    }
}
