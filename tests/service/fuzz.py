"""Requests that nobody would think of, made from the OpenAPI description: the server
must neither fail nor answer what it does not describe.

Usage: fuzz.py BASE_URL [EXAMPLES]
"""

import json
import subprocess
import sys
import tempfile
import urllib.request

import openapi_spec_validator

BASE = sys.argv[1]
EXAMPLES = sys.argv[2] if len(sys.argv) > 2 else "12"

with urllib.request.urlopen(f"{BASE}/api/openapi.json") as answer:
    openapi_spec_validator.validate(json.load(answer))

# What the language model writes for random questions is no concern here and takes
# long; what is wrong with such requests is tried all the same.
WRITES = ["--exclude-path", "/api/v1/ask", "--exclude-path", "/v1/chat/completions"]
ONLY_WRONG = ["--include-path", "/api/v1/ask", "--include-path", "/v1/chat/completions", "--mode", "negative"]
# Not all that makes a request right can be described (which of two parameters, a span within a text), so that
# requests which fit the description may be refused.
REFUSALS = ["--exclude-checks", "positive_data_acceptance", "--phases", "examples,coverage,fuzzing"]
# A removed collection, document or conversation is not there for the requests after it.
STAYS = ["--exclude-method", "DELETE"]

with tempfile.TemporaryDirectory() as folder:
    for which in [[*WRITES, *STAYS], ONLY_WRONG]:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{BASE}/api/openapi.json", *which, *REFUSALS]
        # One worker: before Python 3.12, two threads that parse at once fail ("AST constructor recursion depth mismatch").
        more = ["--max-examples", EXAMPLES, "--seed", "1", "--workers", "1", "--suppress-health-check", "all"]
        run = subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True)
        assert run.returncode == 0, f"{run.stdout[-12000:]}\n{run.stderr[-2000:]}"
print("fuzz: ok")
