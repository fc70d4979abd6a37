"""Waits until a server is ready and has read its documents. Usage: ready.py BASE_URL [DOCUMENTS]"""

import json
import sys
import time
import urllib.error
import urllib.request

BASE = sys.argv[1]
DOCUMENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
until = time.monotonic() + 600
while time.monotonic() < until:
    try:
        urllib.request.urlopen(f"{BASE}/readyz")
        if not DOCUMENTS:
            sys.exit(0)
        status = json.load(urllib.request.urlopen(f"{BASE}/api/v1/status"))
        if status["documents"] >= DOCUMENTS and not status["pending"]:
            sys.exit(0)
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
    time.sleep(0.5)
sys.exit("the server was not ready after ten minutes")
