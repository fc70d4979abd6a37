//! Child processes: what a hostile file or a broken reader can do to the
//! parent. This binary has no test harness, because it is its own worker.

mod pdf_writer;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use attest_ingest::pdf::RenderOptions;
use attest_ingest::{IngestError, Limits, Pool, child_main};
use pdf_writer::{Font, PageText, file, objects, stream};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("child") => child_main(std::io::stdin(), std::io::stdout()),
        Some("garbage") => print!("{}", "no frame at all ".repeat(100)),
        Some("silent") => drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink())),
        _ => run_all(),
    }
}

fn run_all() {
    let tests: [(&str, Test); 9] = [
        ("reads_many_files_with_few_workers", reads_many_files_with_few_workers),
        ("stops_a_file_that_takes_too_long", stops_a_file_that_takes_too_long),
        ("stops_a_file_that_takes_too_much_memory", stops_a_file_that_takes_too_much_memory),
        ("survives_garbage_and_silence", survives_garbage_and_silence),
        ("refuses_large_and_missing_files", refuses_large_and_missing_files),
        ("bounds_the_time_of_deeply_nested_pages", bounds_the_time_of_deeply_nested_pages),
        ("draws_pages", draws_pages),
        ("workers_end_with_their_parent", workers_end_with_their_parent),
        ("workers_end_even_while_reading", workers_end_even_while_reading),
    ];
    for (name, test) in tests {
        println!("sandbox::{name}");
        test(&Folder(tempfile::tempdir().unwrap()));
    }
}

type Test = fn(&Folder);

struct Folder(tempfile::TempDir);

impl Folder {
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn own(argument: &'static str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(argument);
    command
}

fn pool(workers: usize, limits: Limits) -> Pool {
    Pool::new(workers, limits, || own("child"))
}

fn greeting(n: usize) -> Vec<u8> {
    file(&[PageText::default().text(60.0, 100.0, 10.0, Font::Regular, &format!("Hello from file {n}"))])
}

/// Forms that draw each other, two for one, thirty deep.
fn nested_forms() -> Vec<u8> {
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 11 0 R/Resources<</XObject<</X 100 0 R>>>>>>";
    let mut all = objects(&[PageText::default().raw("/X Do")], "").set(10, page);
    for n in 100..130 {
        let resources = format!("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {} 0 R>>>>", n + 1);
        all = all.set(n, stream(&resources, "/X Do /X Do"));
    }
    all.set(130, stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", "0 0 m")).file()
}

/// A map from codes to characters with four thousand million entries.
fn endless_map() -> Vec<u8> {
    let map = "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange \
               1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange endcmap";
    let page = PageText::default().raw("BT /F9 12 Tf 50 600 Td <00010002> Tj ET");
    objects(&[page], "")
        .set(10, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 11 0 R/Resources<</Font<</F9 90 0 R>>>>>>")
        .set(90, "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[91 0 R]/ToUnicode 92 0 R>>")
        .set(
            91,
            "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)\
             /Supplement 0>>/W[0 4294967295 500]>>",
        )
        .set(92, stream("", map))
        .file()
}

fn reads_many_files_with_few_workers(folder: &Folder) {
    let pool = pool(2, Limits::default());
    std::thread::scope(|scope| {
        for n in 0..12 {
            let (pool, path) = (&pool, folder.put(&format!("{n}.pdf"), &greeting(n)));
            scope.spawn(move || {
                let parsed = pool.read(&path, None).unwrap();
                assert_eq!(parsed.document.text, format!("Hello from file {n}"));
                assert_eq!(parsed.document.title, n.to_string());
            });
        }
    });
}

fn stops_a_file_that_takes_too_long(folder: &Folder) {
    let limits = Limits { time: Duration::from_secs(2), ..Limits::default() };
    let pool = pool(1, limits);
    let (bad, good) = (folder.put("forms.pdf", &nested_forms()), folder.put("good.pdf", &greeting(1)));
    assert!(pool.read(&good, None).is_ok());
    let started = Instant::now();
    let error = pool.read(&bad, None).unwrap_err();
    assert!(matches!(error, IngestError::TimedOut { seconds: 2, .. }), "{error}");
    assert!(error.to_string().contains("forms.pdf"));
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(pool.read(&good, None).is_ok());
}

fn stops_a_file_that_takes_too_much_memory(folder: &Folder) {
    let limits = Limits { memory: 96 << 20, ..Limits::default() };
    let pool = pool(1, limits);
    let (bad, good) = (folder.put("map.pdf", &endless_map()), folder.put("good.pdf", &greeting(2)));
    assert!(pool.read(&good, None).is_ok());
    if cfg!(target_os = "linux") {
        let error = pool.read(&bad, None).unwrap_err();
        assert!(matches!(error, IngestError::Crashed { mebibytes: 96, .. }), "{error}");
    }
    assert!(pool.read(&good, None).is_ok());
}

fn survives_garbage_and_silence(folder: &Folder) {
    let path = folder.put("good.pdf", &greeting(3));
    let error = Pool::new(1, Limits::default(), || own("garbage")).read(&path, None).unwrap_err();
    assert!(matches!(error, IngestError::Crashed { .. }), "{error}");
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let error = Pool::new(1, limits, || own("silent")).read(&path, None).unwrap_err();
    assert!(matches!(error, IngestError::TimedOut { .. }), "{error}");
    let error = Pool::new(1, limits, || Command::new("/no/such/program")).read(&path, None).unwrap_err();
    assert!(matches!(error, IngestError::Io { .. }), "{error}");
}

fn refuses_large_and_missing_files(folder: &Folder) {
    let pool = pool(1, Limits { file_size: 100, ..Limits::default() });
    let error = pool.read(&folder.put("large.pdf", &greeting(4)), None).unwrap_err();
    assert!(matches!(error, IngestError::TooLarge { limit: 100, .. }), "{error}");
    let error = pool.read(&folder.0.path().join("missing.pdf"), None).unwrap_err();
    assert!(matches!(error, IngestError::Io { .. }), "{error}");
    let error = pool.read(&folder.put("broken.pdf", b"%PDF-1.4 but no more"), None).unwrap_err();
    assert!(matches!(error, IngestError::Damaged { .. }), "{error}");
}

fn bounds_the_time_of_deeply_nested_pages(folder: &Folder) {
    let pool = pool(1, Limits { time: Duration::from_secs(2), ..Limits::default() });
    let attributes: String = (0..400_000).map(|n| format!(" a{n}=1")).collect();
    let bad = [
        folder.put("deep.html", format!("{}deep", "<div>".repeat(400_000)).as_bytes()),
        folder.put("wide.html", format!("<p{attributes}>wide").as_bytes()),
    ];
    for path in bad {
        let started = Instant::now();
        let result = pool.read(&path, None);
        assert!(result.is_ok() || matches!(result, Err(IngestError::TimedOut { .. })), "{result:?}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }
    let good = folder.put("good.html", b"<title>T</title><p>Good.");
    assert_eq!(pool.read(&good, None).unwrap().document.text, "Good.");
}

fn draws_pages(folder: &Folder) {
    let pool = pool(1, Limits { time: Duration::from_secs(20), ..Limits::default() });
    let path = folder.put("page.pdf", &greeting(5));
    let options = RenderOptions { width: 200, ..RenderOptions::default() };
    assert!(pool.draw(&path, None, 1, &options).unwrap().starts_with(b"\x89PNG"));
    let error = pool.draw(&path, None, 2, &options).unwrap_err();
    assert!(error.to_string().contains("no page 2"), "{error}");
    assert_eq!(pool.read(&path, None).unwrap().document.text, "Hello from file 5");
}

fn workers_end_with_their_parent(_: &Folder) {
    let mut worker = own("child").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    drop(worker.stdin.take());
    assert!(worker.wait().unwrap().success());
}

fn workers_end_even_while_reading(_: &Folder) {
    use std::io::Write;
    let mut worker = own("child").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = worker.stdin.take().unwrap();
    let request = br#"{"password":null,"name":"x.pdf","memory":1073741824,"task":"read"}"#;
    for frame in [request.to_vec(), nested_forms()] {
        input.write_all(&(frame.len() as u64).to_le_bytes()).unwrap();
        input.write_all(&frame).unwrap();
    }
    drop(input);
    assert!(worker.wait().unwrap().success());
}
