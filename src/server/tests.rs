//! Requests through the whole router, without a socket and without models: what
//! needs one is tested with the real program in `tests/it`.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_stream::StreamExt as _;
use tower::ServiceExt;

use super::{App, AppOptions, NewKey, Permission, router};
use crate::config::{Config, Overrides, Settings};
use crate::library::TextDocument;

struct Server {
    app: App,
    _data: TempDir,
}

impl Server {
    fn new(options: AppOptions) -> Self {
        Self::at(TempDir::new().unwrap(), options)
    }

    fn at(data: TempDir, options: AppOptions) -> Self {
        let overrides = Overrides {
            data_dir: Some(data.path().to_owned()),
            models_dir: Some(data.path().join("models")),
            threads: Some(1),
            ..Overrides::default()
        };
        let config = Config::new(Settings::default(), overrides).unwrap();
        Self { app: App::open(config, options).unwrap(), _data: data }
    }

    fn key(&self, permission: Permission, collections: &[&str]) -> String {
        let collections = collections.iter().map(|&name| name.to_owned()).collect();
        let new = NewKey { name: "test".into(), permission, collections, valid: None };
        self.app.keys.create(&new).unwrap().0
    }

    async fn send(&self, request: Request<Body>) -> Response {
        router(self.app.clone()).oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str, key: Option<&str>) -> (StatusCode, Value) {
        read(self.send(request("GET", path, key, None)).await).await
    }

    async fn post(&self, path: &str, key: Option<&str>, body: Value) -> (StatusCode, Value) {
        read(self.send(request("POST", path, key, Some(body))).await).await
    }
}

fn request(method: &str, path: &str, key: Option<&str>, body: Option<Value>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost:8080");
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    match body {
        Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    }
    .unwrap()
}

fn upload(name: &str, content: &str, collection: &str, key: Option<&str>) -> Request<Body> {
    uploads(&[(name, content)], collection, key)
}

fn uploads(files: &[(&str, &str)], collection: &str, key: Option<&str>) -> Request<Body> {
    let mut body = format!("--b\r\nContent-Disposition: form-data; name=\"collection\"\r\n\r\n{collection}\r\n");
    for (name, content) in files {
        body +=
            &format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n");
    }
    body += "--b--\r\n";
    let mut request = request("POST", "/api/v1/documents", key, None);
    *request.body_mut() = Body::from(body);
    request.headers_mut().insert(header::CONTENT_TYPE, "multipart/form-data; boundary=b".parse().unwrap());
    request
}

async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn every_error_is_a_problem_with_the_request_id() {
    let server = Server::new(AppOptions { max_upload: 2000, ..AppOptions::default() });
    let long = json!({ "query": "x".repeat(5000) });
    let big = upload("a.md", &"x".repeat(4000), "default", None);
    let cases = [
        (request("GET", "/api/nothing", None, None), 404),
        (request("GET", "/no-such-file.js", None, None), 404),
        (request("GET", "/../Cargo.toml", None, None), 404),
        (request("DELETE", "/api/v1/search", None, None), 405),
        (request("POST", "/api/v1/search", None, None), 415),
        (request("POST", "/api/v1/search", None, Some(json!({ "k": 3 }))), 400),
        (request("POST", "/api/v1/search", None, Some(json!({ "query": " " }))), 400),
        (request("POST", "/api/v1/search", None, Some(json!({ "query": "a", "k": 0 }))), 400),
        (request("POST", "/api/v1/search", None, Some(long)), 400),
        (request("POST", "/api/v1/ask", None, Some(json!({ "question": "x".repeat(2 << 20) }))), 413),
        (request("POST", "/api/v1/search", None, Some(json!({ "query": "a", "collections": ["none"] }))), 404),
        (request("GET", "/api/v1/documents/0000", None, None), 404),
        (request("GET", "/api/v1/documents/0000/span?start=a&end=2", None, None), 400),
        (request("GET", "/api/v1/jobs/0000", None, None), 404),
        (request("POST", "/api/v1/graph", None, Some(json!({}))), 405),
        (request("POST", "/api/v1/undo/..%2F..%2Fetc", None, None), 404),
        (upload("..", "x", "default", None), 400),
        (upload("../../../etc/cron.d/a.md", "x", "default", None), 400),
        (upload(".bashrc.md", "x", "default", None), 400),
        (upload("a.md", "x", "../..", None), 400),
        (upload("a.pdf", "x", "default", None), 415),
        (upload("a.exe", "x", "default", None), 415),
        (big, 413),
    ];
    for (mut request, status) in cases {
        let what = format!("{} {}", request.method(), request.uri());
        request.headers_mut().insert("x-request-id", "my-id".parse().unwrap());
        let response = server.send(request).await;
        assert_eq!(response.headers()["x-request-id"], "my-id", "{what}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{what}");
        let (got, body) = read(response).await;
        assert_eq!(
            (got.as_u16(), body["status"].as_u64(), &body["request_id"]),
            (status, Some(u64::from(status)), &json!("my-id")),
            "{what}: {body}"
        );
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}");
    }
}

#[tokio::test]
async fn errors_below_v1_have_the_shape_of_openai() {
    let server = Server::new(AppOptions::default());
    let chat = json!({ "model": "none", "messages": [{ "role": "user", "content": "hello?" }] });
    let (status, body) = server.post("/v1/chat/completions", None, chat).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("model_not_found")), "{body}");
    assert_eq!(body["error"]["param"], "model", "{body}");
    for (path, body, param) in [
        ("chat/completions", json!({ "model": "attest" }), "messages"),
        ("chat/completions", json!({ "model": "attest", "messages": [{ "role": 3 }] }), "messages[0].role"),
        ("chat/completions", json!({ "model": "attest", "messages": [], "temperature": 0 }), "messages"),
        ("embeddings", json!({ "model": "attest" }), "input"),
        ("embeddings", json!({ "model": "attest", "input": "" }), "input"),
        ("embeddings", json!({ "model": "attest", "input": ["a", " "] }), "input"),
    ] {
        let (status, told) = server.post(&format!("/v1/{path}"), None, body).await;
        assert_eq!((status.as_u16(), &told["error"]["param"]), (400, &json!(param)), "{told}");
    }
    let (status, body) = server.get("/v1/nothing", None).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("unknown_url")), "{body}");
    server.key(Permission::Read, &[]);
    let (status, body) = server.get("/v1/models", Some("wrong")).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::UNAUTHORIZED, &json!("invalid_api_key")), "{body}");
}

#[tokio::test]
async fn a_key_allows_what_it_was_made_for() {
    let server = Server::new(AppOptions::default());
    assert_eq!(server.get("/api/v1/status", None).await.0, StatusCode::OK);
    let read = server.key(Permission::Read, &[]);
    let write = server.key(Permission::Write, &[]);
    let admin = server.key(Permission::Admin, &[]);
    let old = NewKey {
        name: "old".into(),
        permission: Permission::Admin,
        collections: Vec::new(),
        valid: Some(std::time::Duration::ZERO),
    };
    let old = server.app.keys.create(&old).unwrap().0;
    let (revoked, info) = server
        .app
        .keys
        .create(&NewKey { name: "r".into(), permission: Permission::Admin, collections: Vec::new(), valid: None })
        .unwrap();
    assert!(server.app.keys.revoke(&info.id).unwrap());
    let all = [None, Some("nonsense"), Some(&*old), Some(&*revoked), Some(&*read), Some(&*write), Some(&*admin)];
    // Status; an upload of nothing; a collection without a name.
    let expected = [
        (401, 401, 401),
        (401, 401, 401),
        (401, 401, 401),
        (401, 401, 401),
        (200, 403, 403),
        (200, 400, 403),
        (200, 400, 400),
    ];
    for (key, expected) in all.into_iter().zip(expected) {
        let status = server.get("/api/v1/status", key).await.0.as_u16();
        let upload = server.send(upload("..", "", "default", key)).await.status().as_u16();
        let collection = server.post("/api/v1/collections", key, json!({ "name": "" })).await.0.as_u16();
        assert_eq!((status, upload, collection), expected, "{key:?}");
    }
    assert_eq!(server.get("/healthz", None).await.0, StatusCode::OK);
    assert_eq!(server.get("/readyz", None).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_hidden_collection_leaves_no_trace() {
    let mut seen = Vec::new();
    // So many that what they name would be too common to lead anywhere.
    let names: Vec<String> = (0..120).map(|n| format!("c{n}")).collect();
    let texts: Vec<String> = (0..120).map(|n| format!("The K20 Pump of hall {n} is a pump for Aqua Nova.")).collect();
    let crowd: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let few = [("c", "The pump is a pump for pumps."), ("d", "hertz hertz pump")];
    type Texts<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Texts<'_>, Texts<'_>); 4] = [(&[], &[]), (&[], &few), (&few, &[]), (&crowd, &few)];
    for (before, after) in cases {
        let server = Server::new(AppOptions::default());
        put(&server, "secret", before);
        put(
            &server,
            "open",
            &[
                ("a", "The K20 Pump runs at 42 hertz. Aqua Nova makes it."),
                ("b", "Valves close slowly. Aqua Nova makes them, and the K20 Pump."),
            ],
        );
        put(&server, "secret", after);
        let hidden = server.app.library.documents(Some("secret")).unwrap();
        let secret = hidden.first().map_or_else(|| "0000000000000000".to_owned(), |info| info.id.clone());
        let key = server.key(Permission::Admin, &["open"]);
        let mut outputs = Vec::new();
        for path in [
            "/api/v1/status",
            "/api/v1/collections",
            "/api/v1/documents",
            "/api/v1/documents?collection=secret",
            "/v1/models",
            "/api/v1/jobs",
            "/metrics",
            "/v1/models/attest:secret",
            "/api/v1/graph?q=K20%20Pump",
        ] {
            outputs.push(server.get(path, Some(&key)).await);
        }
        // The other searches need a model: tests/service/hidden.py.
        let body = json!({ "query": "How fast is the pump in hertz?", "mode": "lexical" });
        outputs.push(server.post("/api/v1/search", Some(&key), body).await);
        assert!(!outputs.last().unwrap().1["hits"].as_array().unwrap().is_empty());
        let shown = server.app.library.documents(Some("open")).unwrap();
        for document in &shown {
            outputs.push(server.get(&format!("/api/v1/graph?document={}", document.id), Some(&key)).await);
        }
        let body = json!({ "query": "pump", "mode": "lexical", "collections": ["secret"] });
        outputs.push(server.post("/api/v1/search", Some(&key), body).await);
        let places =
            ["", "/content", "/span?start=0&end=1", "/pages/1"].map(|part| format!("documents/{secret}{part}"));
        for path in places.into_iter().chain([format!("graph?document={secret}")]) {
            let (status, mut body) = server.get(&format!("/api/v1/{path}"), Some(&key)).await;
            body["detail"] = json!(body["detail"].as_str().unwrap().replace(&secret, "ID"));
            outputs.push((status, body));
        }
        for (_, output) in &mut outputs {
            let Some(output) = output.as_object_mut() else { continue };
            output.remove("timings_ms");
            output.remove("request_id");
            for document in output.get_mut("documents").and_then(Value::as_array_mut).into_iter().flatten() {
                document.as_object_mut().unwrap().remove("added");
            }
        }
        seen.push(outputs);
    }
    for other in &seen[1..] {
        for (without, with) in seen[0].iter().zip(other) {
            assert_eq!(without, with);
        }
    }
}

#[tokio::test]
async fn pages_of_strangers_are_kept_out() {
    let server =
        Server::new(AppOptions { allow_origins: vec!["https://help.example".into()], ..AppOptions::default() });
    let post = |host: &str, origin: Option<&str>| {
        let mut request = request("POST", "/api/v1/collections", None, Some(json!({ "name": "" })));
        request.headers_mut().insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        }
        request
    };
    for (host, origin, status) in [
        ("localhost:8080", None, 400),
        ("localhost:8080", Some("http://localhost:8080"), 400),
        ("localhost:8080", Some("https://help.example"), 400),
        ("localhost:8080", Some("https://evil.example"), 403),
        ("localhost:8080", Some("null"), 403),
        ("evil.example:8080", None, 421),
    ] {
        let response = server.send(post(host, origin)).await;
        assert_eq!(response.status().as_u16(), status, "{host} {origin:?}");
        let allowed = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_some();
        assert_eq!(allowed, origin == Some("https://help.example"), "{origin:?}");
    }
    // A proxy that was named comes in, with a key.
    let hosts = vec!["docs.example".to_owned()];
    let behind = Server::new(AppOptions { public_hosts: hosts, ..AppOptions::default() });
    for (host, status) in
        [("docs.example", 401), ("DOCS.example:443", 401), ("evil.example", 421), ("localhost:1", 401)]
    {
        assert_eq!(behind.send(post(host, None)).await.status().as_u16(), status, "{host}");
    }
    let page = server.send(request("GET", "/", None, None)).await;
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(page.status().is_success() && policy.starts_with("default-src 'none'"), "{policy}");
}

#[tokio::test]
async fn openapi_lists_the_routes_and_nothing_comes_in_while_closing() {
    let server = Server::new(AppOptions::default());
    let (_, api) = server.get("/api/openapi.json", None).await;
    let paths = api["paths"].as_object().unwrap();
    for path in ["/api/v1/status", "/api/v1/ask", "/api/v1/documents/{id}/pages/{number}", "/v1/embeddings", "/readyz"]
    {
        assert!(paths.contains_key(path), "{path}");
    }
    assert!(api["info"]["description"].as_str().unwrap().contains("/mcp"));
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
                let types = response["content"].as_object();
                assert_eq!(types.is_none(), status == "204", "{method} {path} {status} has {types:?}");
                let json = types.and_then(|types| types.get("application/json"));
                assert!(json.is_none_or(|json| json["schema"]["$ref"].is_string()), "{method} {path} answers {json:?}");
            }
        }
    }
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let path = path.replace(['{', '}'], "").replace("number", "1");
            let status = server.send(request(&method.to_uppercase(), &path, None, None)).await.status();
            assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
    server.app.closing.cancel();
    let response = server.send(request("GET", "/api/v1/status", None, None)).await;
    assert_eq!(
        (response.status(), response.headers()[header::RETRY_AFTER].to_str().unwrap()),
        (StatusCode::SERVICE_UNAVAILABLE, "10")
    );
}

#[tokio::test]
async fn a_conversation_resolves_follow_ups_and_is_its_owners() {
    let server = Server::new(AppOptions::default());
    // Their collection is empty, so that no model is needed to say that nothing was found.
    let (ada, ben) = (server.key(Permission::Read, &["manuals"]), server.key(Permission::Read, &["manuals"]));
    let (status, made) = server.post("/api/v1/conversations", Some(&ada), json!({})).await;
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!((status, made["title"].as_str()), (StatusCode::CREATED, Some("")));
    let path = format!("/api/v1/conversations/{id}");

    let ask = |question: &str| json!({ "question": question, "conversation": id });
    let (status, first) = server.post("/api/v1/ask", Some(&ada), ask("How much does the K2 cost?")).await;
    assert_eq!((status, &first["rewritten"]), (StatusCode::OK, &Value::Null), "{first}");
    let (_, second) = server.post("/api/v1/ask", Some(&ada), ask("And the K2 Pro?")).await;
    assert_eq!(second["rewritten"], "How much does the K2 Pro cost?", "{second}");
    // Understood from the second question as it was understood.
    let (_, third) = server.post("/api/v1/ask", Some(&ada), ask("What is its range?")).await;
    assert_eq!(third["rewritten"], "What is the K2 Pro's range?", "{third}");

    let (_, shown) = server.get(&path, Some(&ada)).await;
    assert_eq!(
        (shown["title"].as_str(), shown["turns"].as_array().unwrap().len()),
        (Some("How much does the K2 cost?"), 3)
    );
    let (_, listed) = server.get("/api/v1/conversations", Some(&ada)).await;
    assert_eq!(listed["conversations"][0]["id"], *id);
    let export = server.send(request("GET", &format!("{path}/export"), Some(&ada), None)).await;
    let text = String::from_utf8(to_bytes(export.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    assert!(
        text.starts_with("# How much does the K2 cost?")
            && text.contains("*Understood as: How much does the K2 Pro cost?*"),
        "{text}"
    );

    // Another key sees nothing of it, and cannot ask in it.
    assert_eq!(server.get(&path, Some(&ben)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(server.post("/api/v1/ask", Some(&ben), ask("And the H1?")).await.0, StatusCode::NOT_FOUND);
    let (_, listed) = server.get("/api/v1/conversations", Some(&ben)).await;
    assert_eq!(listed["conversations"], json!([]));
    let gone = server.send(request("DELETE", &path, Some(&ada), None)).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(server.get(&path, Some(&ada)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_answer_outlives_its_conversation() {
    let server = Server::new(AppOptions::default());
    let caller = super::Caller::owner();
    let made = server.app.history.create("").unwrap();
    let answer = crate::wire::AskResult::nothing("How long?");
    let turn = super::history::Turn { question: "How long?".into(), rewritten: None, answer, at: 1 };
    assert!(super::ask::kept(&server.app, &caller, &made.id, &turn));
    server.app.history.remove("", &made.id).unwrap();
    assert!(!super::ask::kept(&server.app, &caller, &made.id, &turn));
}

#[tokio::test]
async fn the_log_names_the_request() {
    let server = Server::new(AppOptions::default());
    let trace = super::guard::Trace { id: "my-id".into(), path: "/api/v1/ask".into() };
    let within = trace.around(server.app.blocking(|_| Ok(super::guard::trace()))).await.unwrap();
    assert_eq!((within.id.as_str(), within.path.as_str()), ("my-id", "/api/v1/ask"));
}

#[tokio::test]
async fn requests_and_answers_are_counted() {
    let server = Server::new(AppOptions::default());
    let reader = server.key(Permission::Read, &["manuals"]);
    server.post("/api/v1/ask", Some(&reader), json!({ "question": "How long?" })).await;
    assert_eq!(server.get("/metrics", Some(&reader)).await.0, StatusCode::FORBIDDEN);
    let admin = server.key(Permission::Admin, &[]);
    let response = server.send(request("GET", "/metrics", Some(&admin), None)).await;
    let text = String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    for line in [
        "attest_requests_total{route=\"/api/v1/ask\",method=\"POST\",status=\"200\"} 1",
        "attest_answers_total{kind=\"not_found\"} 1",
        "attest_asking 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn what_was_uploaded_is_not_forgotten() {
    let data = TempDir::new().unwrap();
    let uploads = data.path().join("uploads");
    std::fs::create_dir_all(uploads.join(".jobs")).unwrap();
    std::fs::create_dir_all(uploads.join(".incoming/0")).unwrap();
    let note = json!({ "collection": "manuals", "files": [["a.md", uploads.join("manuals/a.md")]] });
    std::fs::write(uploads.join(".jobs/0a.json"), note.to_string()).unwrap();
    std::fs::write(uploads.join(".jobs/0b.json"), "cut off").unwrap();
    let server = Server::at(data, AppOptions::default());
    let (_, listed) = server.get("/api/v1/jobs", None).await;
    assert_eq!((&listed["jobs"][0]["id"], &listed["jobs"][0]["files"][0]["name"]), (&json!("0a"), &json!("a.md")));
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1, "{listed}");
    assert!(!uploads.join(".incoming").exists(), "what a request left behind is cleared away");
    let (_, shown) = server.get("/api/v1/jobs", Some(&server.key(Permission::Read, &["others"]))).await;
    assert_eq!(shown["jobs"], json!([]));
}

#[tokio::test]
async fn busy_means_come_back_later() {
    let server = Server::new(AppOptions { max_asks: 1, ..AppOptions::default() });
    let _taken = server.app.limits.ask().unwrap();
    let response = server.send(request("POST", "/api/v1/ask", None, Some(json!({ "question": "why?" })))).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    // The documents' own words need no place among the answers. (That the collection is empty, no model.)
    let reader = server.key(Permission::Read, &["manuals"]);
    let body = json!({ "question": "why?", "extractive": true });
    assert_eq!(server.post("/api/v1/ask", Some(&reader), body).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_bad_file_keeps_no_good_one_out() {
    let server = Server::new(AppOptions::default());
    let files = [("a.md", "# A"), ("b.exe", "x"), ("c.pdf", "no PDF"), ("d/a.md", "# D"), ("a.md", "# A again")];
    let (status, taken) = read(server.send(uploads(&files, "default", None)).await).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    let refused: Vec<_> =
        taken["refused"].as_array().unwrap().iter().map(|one| (one["name"].as_str(), one["status"].as_u64())).collect();
    assert_eq!(refused, [(Some("b.exe"), Some(415)), (Some("c.pdf"), Some(415)), (Some("a.md"), Some(400))], "{taken}");
    let (_, job) = server.get(&format!("/api/v1/jobs/{}", taken["job"].as_str().unwrap()), None).await;
    let names: Vec<_> = job["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a.md", "d/a.md", "b.exe", "c.pdf", "a.md"], "{job}");
    assert!(job["files"][3]["message"].as_str().unwrap().contains("c.pdf: its name says PDF"), "{job}");
    let (status, none) = read(server.send(uploads(&files[1..3], "default", None)).await).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(["b.exe", "c.pdf"].iter().all(|name| none["detail"].as_str().unwrap().contains(name)), "{none}");
}

#[tokio::test]
async fn an_upload_replaces_the_one_before_it() {
    let server = Server::new(AppOptions::default());
    let folder = server.app.config.data_dir.join("uploads/default");
    let text = || std::fs::read_to_string(folder.join("kettle.md")).unwrap();
    let put = async |text: &str| read(server.send(upload("kettle.md", text, "default", None)).await).await.1;
    assert_eq!(put("one").await["replaced"], json!([]));
    assert_eq!(put("one").await["replaced"], json!([]));
    let second = put("two").await;
    assert_eq!((&second["replaced"][0]["name"], text()), (&json!("kettle.md"), "two".to_owned()));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "there is no second file");
    let token = second["replaced"][0]["undo"].as_str().unwrap();
    assert_eq!(server.post(&format!("/api/v1/undo/{token}"), None, json!({})).await.0, StatusCode::ACCEPTED);
    assert_eq!(text(), "one");
    // What was uploaded later is not undone by an older token.
    let third = put("three").await;
    put("four").await;
    let token = third["replaced"][0]["undo"].as_str().unwrap();
    assert_eq!(server.post(&format!("/api/v1/undo/{token}"), None, json!({})).await.0, StatusCode::CONFLICT);
    assert_eq!(text(), "four");
}

#[tokio::test]
async fn what_cannot_be_queued_is_as_it_was() {
    let server = Server::new(AppOptions::default());
    let folder = server.app.config.data_dir.join("uploads/default");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let put = async |name: &str, text: &str| read(server.send(upload(name, text, "default", None)).await).await;
    let undo = async |token: &Value| {
        server.post(&format!("/api/v1/undo/{}", token.as_str().unwrap()), None, json!({})).await.0
    };
    put("a.md", "one").await;
    let token = put("a.md", "two").await.1["replaced"][0]["undo"].clone();
    put("gone.md", "gone").await;
    // As when it is removed.
    let gone = server.app.shelf.uploads().join("default/gone.md");
    let removed = json!(super::undo::Undo::keep(&server.app.shelf.turn(), "default", &gone).unwrap().0.undo);
    assert_eq!(text("gone.md"), None);

    // No note of a job can be written.
    let notes = server.app.config.data_dir.join("uploads/.jobs");
    std::fs::remove_dir_all(&notes).unwrap();
    std::fs::write(&notes, "in the way").unwrap();
    for (name, was) in [("a.md", Some("two")), ("b.md", None)] {
        assert_eq!(put(name, "three").await.0, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text(name).as_deref(), was, "{name}");
    }
    let new = read(server.send(upload("c.md", "c", "new", None)).await).await.0;
    assert_eq!(new, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!server.app.library.collections().unwrap().contains(&"new".to_owned()), "the collection is left");
    for (token, name, was) in [(&token, "a.md", Some("two")), (&removed, "gone.md", None)] {
        assert_eq!(undo(token).await, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text(name).as_deref(), was, "{name}");
    }
    std::fs::remove_file(&notes).unwrap();
    for (token, name, is) in [(&token, "a.md", "one"), (&removed, "gone.md", "gone")] {
        assert_eq!(undo(token).await, StatusCode::ACCEPTED, "{name}");
        assert_eq!(text(name).as_deref(), Some(is));
        assert_eq!(undo(token).await, StatusCode::NOT_FOUND, "once only");
    }
}

#[tokio::test]
async fn a_file_where_a_folder_is_is_refused_alone() {
    let server = Server::new(AppOptions::default());
    let files = [("a.md", "# A"), ("a.md/b.md", "# B"), ("c.md", "# C")];
    let (status, taken) = read(server.send(uploads(&files, "default", None)).await).await;
    assert_eq!((status, &taken["refused"][0]["status"]), (StatusCode::ACCEPTED, &json!(409)), "{taken}");
    let (status, none) = read(server.send(uploads(&files[1..2], "default", None)).await).await;
    assert_eq!((status, &none["reason"]), (StatusCode::CONFLICT, &json!("clash")), "{none}");
}

#[tokio::test]
async fn who_may_not_make_a_collection_brings_none_back() {
    let server = Server::new(AppOptions::default());
    let (write, admin) = (server.key(Permission::Write, &[]), server.key(Permission::Admin, &[]));
    let put = async |text: &str| read(server.send(upload("a.md", text, "manuals", Some(&admin))).await).await.1;
    put("one").await;
    let token = put("two").await["replaced"][0]["undo"].as_str().unwrap().to_owned();
    server.app.library.delete_collection("manuals").unwrap();
    let undo = async |key: &str| server.post(&format!("/api/v1/undo/{token}"), Some(key), json!({})).await.0;
    assert_eq!(undo(&write).await, StatusCode::FORBIDDEN);
    assert_eq!(undo(&admin).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let server = Server::new(AppOptions::default());
    for (path, field) in [
        ("/api/v1/documents?limit=many", "limit"),
        ("/api/v1/documents/x/span?start=1", "end"),
        ("/api/v1/documents/x/pages/first", "number"),
    ] {
        let (status, problem) = server.get(path, None).await;
        assert_eq!((status, problem["field"].as_str()), (StatusCode::BAD_REQUEST, Some(field)), "{path}: {problem}");
    }
}

#[tokio::test]
async fn uploads_that_stand_still_are_given_up() {
    let patience = std::time::Duration::from_millis(20);
    let server = Server::new(AppOptions { upload_patience: patience, ..AppOptions::default() });
    let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\nbegun";
    for _ in 0..10 {
        let mut stalled = upload("a.md", "", "default", None);
        let begun = tokio_stream::once(Ok::<_, std::io::Error>(head)).chain(tokio_stream::pending());
        *stalled.body_mut() = Body::from_stream(begun);
        let (status, body) = read(server.send(stalled).await).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT, "{body}");
    }
    assert_eq!(server.send(upload("a.md", "# A", "default", None)).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn collections_are_made_by_those_who_may() {
    let server = Server::new(AppOptions::default());
    let (write, admin) = (server.key(Permission::Write, &[]), server.key(Permission::Admin, &[]));
    let status = async |collection: &str, key: &str| {
        server.send(upload("a.md", "# A", collection, Some(key))).await.status().as_u16()
    };
    assert_eq!(status("default", &write).await, 202);
    assert_eq!(status("manuals", &write).await, 403);
    assert_eq!(status("manuals", &admin).await, 202);
    assert_eq!(status("manuals", &write).await, 202);
}

#[tokio::test]
async fn a_document_that_changed_is_another_version() {
    let server = Server::new(AppOptions::default());
    put(&server, "open", &[("a", "The K20 Pump runs at 42 hertz.")]);
    let id = server.app.library.documents(None).unwrap()[0].id.clone();
    let content = |tag: Option<&str>| {
        let mut request = request("GET", &format!("/api/v1/documents/{id}/content"), None, None);
        if let Some(tag) = tag {
            request.headers_mut().insert(header::IF_NONE_MATCH, tag.parse().unwrap());
        }
        request
    };
    let first = server.send(content(None)).await;
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(first.headers()[header::CACHE_CONTROL], "private, no-cache");
    for known in [&tag, "*", &format!("\"other\", W/{tag}")] {
        assert_eq!(server.send(content(Some(known))).await.status(), StatusCode::NOT_MODIFIED, "{known}");
    }
    // As long as before.
    put(&server, "open", &[("a", "The K20 Pump runs at 43 hertz.")]);
    let changed = server.send(content(Some(&tag))).await;
    assert_ne!(changed.headers()[header::ETAG].to_str().unwrap(), tag);
    let (status, body) = read(changed).await;
    assert_eq!((status, body["text"].as_str()), (StatusCode::OK, Some("The K20 Pump runs at 43 hertz.")));
}

fn put(server: &Server, collection: &str, texts: &[(&str, &str)]) {
    if texts.is_empty() {
        return;
    }
    let texts: Vec<TextDocument<'_>> = texts.iter().map(|&(id, text)| TextDocument { id, title: id, text }).collect();
    server.app.library.put_texts(collection, &texts).unwrap();
}
