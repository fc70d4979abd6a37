"""Many callers at once: searches and questions against a running server.

Usage: load.py BASE_URL [--searches 64] [--asks 8] [--seconds 60] [--pid PID]

Prints how many of each were answered, turned away (429, which must say when to
come back) or failed, how long a search took, and the server's memory before,
in between and after (Linux, with --pid). Ends with 1 when anything failed.
"""

import argparse
import collections
import http.client
import json
import pathlib
import threading
import time
import urllib.parse

QUESTIONS = [json.loads(line)["text"] for line in open(pathlib.Path(__file__).parent / "../data/handbook/questions.jsonl")]

parser = argparse.ArgumentParser()
parser.add_argument("base")
parser.add_argument("--searches", type=int, default=64)
parser.add_argument("--asks", type=int, default=8)
parser.add_argument("--seconds", type=float, default=60)
parser.add_argument("--pid", type=int)
options = parser.parse_args()
server = urllib.parse.urlsplit(options.base)
end = time.monotonic() + options.seconds
lock = threading.Lock()
outcomes = {"search": collections.Counter(), "ask": collections.Counter()}
waited = {"search": [], "ask": []}
faults = []


def memory():
    if not options.pid:
        return None
    status = open(f"/proc/{options.pid}/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def caller(kind, number):
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=300)
    at = number
    while time.monotonic() < end:
        question = QUESTIONS[at % len(QUESTIONS)]
        at += 7
        body = {"query": question} if kind == "search" else {"question": question}
        start = time.monotonic()
        try:
            connection.request("POST", f"/api/v1/{kind}", json.dumps(body), {"content-type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            status, later = response.status, response.getheader("retry-after")
        except OSError as error:
            connection.close()
            status, later, text = type(error).__name__, None, str(error)
        took = time.monotonic() - start
        with lock:
            outcomes[kind][status] += 1
            if status == 200:
                waited[kind].append(took)
            elif status != 429 or not later:
                faults.append((kind, status, text[:200]))
        if later:
            time.sleep(min(float(later), max(0, end - time.monotonic())))


threads = [threading.Thread(target=caller, args=("search", n)) for n in range(options.searches)]
threads += [threading.Thread(target=caller, args=("ask", n)) for n in range(options.asks)]
sizes = [memory()]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    time.sleep(5)
    sizes.append(memory())
for kind, took in waited.items():
    took.sort()
    share = lambda part: took[min(len(took) - 1, int(part * len(took)))] * 1e3 if took else float("nan")
    counts = ", ".join(f"{status}: {count}" for status, count in sorted(outcomes[kind].items(), key=str))
    print(f"{kind:<7} {counts}; p50 {share(0.5):.0f} ms, p95 {share(0.95):.0f} ms, p99 {share(0.99):.0f} ms")
if options.pid:
    print("memory  " + " ".join(f"{size:.0f}" for size in sizes) + " MiB")
for fault in faults[:5]:
    print("fault  ", fault)
raise SystemExit(1 if faults else 0)
