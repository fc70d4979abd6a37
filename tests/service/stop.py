"""A server that is told to stop finishes the answer in flight and takes nothing new.

Usage: stop.py BASE_URL PROCESS_ID
"""

import json
import os
import signal
import sys
import urllib.error
import urllib.request

BASE, PROCESS = sys.argv[1], int(sys.argv[2])


def ask(question):
    headers = {"content-type": "application/json", "accept": "text/event-stream"}
    body = json.dumps({"question": question}).encode()
    return urllib.request.urlopen(urllib.request.Request(f"{BASE}/api/v1/ask", body, headers))


answer = ask("What is needed to install a K2, and how is it mounted?")
assert answer.readline().startswith(b"event: retrieval")
os.kill(PROCESS, signal.SIGTERM)
while True:
    # It learns of the signal within moments.
    try:
        urllib.request.urlopen(f"{BASE}/api/v1/status").read()
    except urllib.error.HTTPError as error:
        assert error.code == 503 and error.headers["retry-after"], error
        break
    except (ConnectionError, urllib.error.URLError):
        break
text = answer.read().decode()
name, data = text.strip().split("\n\n")[-1].split("\n")
assert name == "event: done", text[-500:]
assert json.loads(data[5:])["status"], data
print("stop: ok")
