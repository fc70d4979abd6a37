"""The official clients against a running server: the same question, the same citations.

Usage: clients.py BASE_URL
"""

import asyncio
import json
import sys
import urllib.request

import openai
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

BASE = sys.argv[1]
QUESTION = "How long are the seals of a V3 under warranty?"


def places(result):
    return [(c["document"], tuple(c["span"]), c["quote"]) for c in result["citations"]]


def rest(question, **more):
    body = json.dumps({"question": question, **more}).encode()
    request = urllib.request.Request(f"{BASE}/api/v1/ask", body, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))


def events(question):
    body = json.dumps({"question": question}).encode()
    headers = {"content-type": "application/json", "accept": "text/event-stream"}
    stream = urllib.request.urlopen(urllib.request.Request(f"{BASE}/api/v1/ask", body, headers))
    name, found = None, []
    for line in stream.read().decode().splitlines():
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            found.append((name, json.loads(line[5:])))
    return found


async def over_mcp(question):
    async with streamablehttp_client(f"{BASE}/mcp") as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            tools = {tool.name for tool in (await session.list_tools()).tools}
            assert {"search", "ask", "list_documents", "read_span"} <= tools, tools
            told = await session.call_tool("ask", {"question": question})
            assert not told.isError, told
            return told.structuredContent or json.loads(told.content[0].text)


# A question that was not asked yet is streamed: what was found, then the draft, then what stands.
told = events(QUESTION)
names = [name for name, _ in told]
assert names[0] == "retrieval" and names[-1] == "done", names
assert names.index("extractive") < names.index("token") < names.index("citation") < names.index("verified"), names
first = told[-1][1]
assert first["status"] == "grounded" and "12 months" in first["answer"], first
assert any(document.endswith("warranty-and-returns.md") for document, _, _ in places(first)), first

# Asked again, the kept answer comes back.
again = rest(QUESTION)
assert again["stored"] and places(again) == places(first), again

client = openai.OpenAI(base_url=f"{BASE}/v1", api_key="unused")
models = [model.id for model in client.models.list()]
whole = client.chat.completions.create(model=models[0], messages=[{"role": "user", "content": QUESTION}])
assert whole.choices[0].message.content == first["answer"], whole
assert places(whole.model_extra["attest"]) == places(first)
chunks = list(
    client.chat.completions.create(model=models[0], messages=[{"role": "user", "content": QUESTION}], stream=True)
)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text.split() == first["answer"].split(), text
vectors = client.embeddings.create(model=models[0], input=["seals", "密封圈"], encoding_format="float")
assert len(vectors.data) == 2 and len(vectors.data[0].embedding) == len(vectors.data[1].embedding) > 100

assert places(asyncio.run(over_mcp(QUESTION))) == places(first)

# Without the model, in the documents' own words.
quoted = rest("Which port does the hub use to get online?", extractive=True)
assert quoted["tokens"]["generated"] == 0 and quoted["citations"], quoted
print("clients: ok")
