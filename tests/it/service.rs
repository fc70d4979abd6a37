//! The server with the real models and the real clients: the official Python
//! packages of OpenAI and MCP, and a browser.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::support::repository;

/// Another site, which embeds the widget; the browser is told what stands there.
const SITE: &str = "http://localhost:9";

/// A server on a port of its own; stopped when dropped.
struct Server {
    child: Child,
    base: String,
    data: TempDir,
}

/// The program on a data folder of its own.
fn attest(data: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attest"));
    command
        .env("ATTEST_DATA_DIR", data.path())
        .env_remove("ATTEST_CONFIG")
        .env("XDG_CONFIG_HOME", data.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

impl Server {
    fn start(data: TempDir, arguments: &[&str]) -> Self {
        let mut child = attest(&data)
            .args(["serve", "--addr", "127.0.0.1:0"])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let base = loop {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the server ended before it told its address");
            if let Some((_, rest)) = line.split_once("attest is at ") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
        };
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        Self { child, base, data }
    }

    /// Waits, by asking, until all of the handbook is in and the models are loaded.
    fn wait(&self) {
        python(&repository("tests/service/ready.py"), &[&self.base]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python with the clients, installed once into the build folder.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("service-python");
    let requirements = repository("tests/service/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).unwrap();
    let done = folder.join("installed.txt");
    let python = folder.join("bin/python");
    if std::fs::read_to_string(&done).ok().as_ref() != Some(&wanted) {
        let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output().unwrap();
        let help = "python3 with venv is needed: apt-get install python3-venv";
        assert!(made.status.success(), "{help}\n{}", String::from_utf8_lossy(&made.stderr));
        let installed = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements)
            .output()
            .unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        std::fs::write(&done, wanted).unwrap();
    }
    python
});

fn python(script: &Path, arguments: &[&str]) {
    let run = Command::new(&*PYTHON).arg(script).args(arguments).output().unwrap();
    let told = format!("{}\n{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{told}");
}

fn chromium() -> String {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names.iter().find_map(|name| {
        let paths = std::env::var_os("PATH")?;
        std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file())
    });
    found.expect("a browser is needed: apt-get install chromium").to_string_lossy().into_owned()
}

#[test]
fn all_clients_get_the_same_citations_and_the_page_shows_them() {
    let arguments = ["--docs", "data/handbook", "--allow-origin", SITE];
    let mut server = Server::start(tempfile::tempdir().unwrap(), &arguments);
    server.wait();
    let data = server.data.path().to_str().unwrap().to_owned();
    python(&repository("tests/service/clients.py"), &[&server.base, env!("CARGO_BIN_EXE_attest"), &data]);
    python(&repository("tests/service/fuzz.py"), &[&server.base]);
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    python(&repository("tests/service/page.py"), &[&server.base, &chromium(), shots.to_str().unwrap(), SITE]);
    python(&repository("tests/service/stop.py"), &[&server.base, &server.child.id().to_string()]);
    assert!(server.child.wait().unwrap().success(), "a server that is told to stop ends well");
}

#[test]
fn a_key_opens_its_own_collections_and_shows_no_trace_of_others() {
    let documents = tempfile::tempdir().unwrap();
    let write = |place: &str, text: &str| {
        let path = documents.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("open/battery.md", "# K2 battery\n\nThe battery of the K2 lasts 14 hours. It charges in 2 hours.\n");
    write("open/valves.md", "# Valves\n\nAqua Nova makes the V3 valve. The V3 closes in 8 seconds.\n");
    write("open/visits.md", "# Visits\n\nThe service desk is open from 8 to 17. Ring twice.\n");
    for n in 0..120 {
        write(
            &format!("secret/{n}.md"),
            &format!("# K2 number {n}\n\nAqua Nova's battery {n} of Ada Lovelace lasts {n} hours.\n"),
        );
    }
    let place = |name: &str| documents.path().join(name).to_str().unwrap().to_owned();
    let [alone, beside] = [false, true].map(|hidden| {
        let data = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let output = attest(&data).args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        if hidden {
            run(&["add", &place("secret"), "--collection", "secret"]);
        }
        run(&["add", &place("open"), "--collection", "open"]);
        let key = run(&["keys", "create", "reader", "--scope", "admin", "--collection", "open"]);
        (Server::start(data, &[]), key)
    });
    for (server, _) in [&alone, &beside] {
        python(&repository("tests/service/ready.py"), &[&server.base, "0"]);
    }
    python(&repository("tests/service/hidden.py"), &[&alone.0.base, &alone.1, &beside.0.base, &beside.1]);
    // A server with a key is here already.
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    python(&repository("tests/service/door.py"), &[&beside.0.base, &chromium(), &beside.1, shots.to_str().unwrap()]);
}
