"""Two servers with the same open documents, one of them with hidden ones beside: a
key that may see only the open ones must get the same from both, to the last digit.

Usage: hidden.py BASE_ALONE KEY_ALONE BASE_BESIDE KEY_BESIDE
"""

import json
import sys
import urllib.error
import urllib.request

SERVERS = [(sys.argv[1], sys.argv[2]), (sys.argv[3], sys.argv[4])]
QUESTIONS = ["How long does the K2 battery last?", "Which valve does Aqua Nova make?", "Who is Ada Lovelace?"]
# What takes time, and what names a request, differs anyway.
APART = {"timings_ms", "request_id", "created", "id", "at", "updated", "added"}


def call(server, path, body=None):
    base, key = server
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "accept": "application/json"}
    if path == "/mcp":
        headers["accept"] += ", text/event-stream"
    data = None if body is None else json.dumps(body).encode()
    try:
        answer = urllib.request.urlopen(urllib.request.Request(base + path, data, headers))
        return answer.status, plain(read(path, answer.read().decode()))
    except urllib.error.HTTPError as error:
        return error.code, plain(json.loads(error.read() or b"null"))


def read(path, text):
    """JSON, or the events of a stream; of the metrics, what says how much there is."""
    if path == "/metrics":
        return [line for line in text.splitlines() if any(of in line for of in ("document", "passage", "pending"))]
    if text.startswith("{") or text.startswith("["):
        return json.loads(text)
    return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]


def plain(value):
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if name not in APART}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def tool(name, arguments):
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def asked():
    for path in ["status", "collections", "documents", "documents?collection=secret", "jobs", "conversations"]:
        yield f"/api/v1/{path}", None
    yield "/v1/models", None
    yield "/metrics", None
    for question in QUESTIONS:
        for mode in ["hybrid", "dense", "lexical", "graph"]:
            yield "/api/v1/search", {"query": question, "mode": mode, "k": 50}
        yield f"/api/v1/graph?q={question.replace(' ', '+')}", None
        for extractive in [True, False]:
            yield "/api/v1/ask", {"question": question, "extractive": extractive}
        yield "/v1/chat/completions", {"model": "attest", "messages": [{"role": "user", "content": question}]}
        yield "/mcp", tool("ask", {"question": question})
        yield "/mcp", tool("search", {"query": question})
    yield "/mcp", tool("list_documents", {})
    yield "/mcp", tool("search", {"query": "battery", "collections": ["secret"]})
    yield "/api/v1/ask", {"question": QUESTIONS[0], "collections": ["secret"]}
    yield "/v1/chat/completions", {"model": "attest:secret", "messages": [{"role": "user", "content": "battery?"}]}


answered = 0
for path, body in asked():
    (status, alone), (other, beside) = (call(server, path, body) for server in SERVERS)
    assert (status, alone) == (other, beside), f"{path} {body}\n{json.dumps(alone)}\n{json.dumps(beside)}"
    text = json.dumps(beside).lower()
    # The caller's own words are repeated; nothing else may be.
    assert path.startswith("/mcp") or "secret" in json.dumps(body or path) or "secret" not in text, f"{path}: {text}"
    if isinstance(beside, dict) and beside.get("receipt"):
        receipts = [call(server, f"/api/v1/receipts/{beside['receipt']}") for server in SERVERS]
        assert receipts[0] == receipts[1] and receipts[0][0] == 200, receipts
        answered += 1
assert answered >= 3, "no answer had a receipt"
print("hidden: ok")
