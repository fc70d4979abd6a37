"""The official clients against a running server: the same question, the same citations.

Usage: clients.py BASE_URL PROGRAM DATA_FOLDER

The program is run as an MCP server over stdin and stdout, on the same data.
"""

import asyncio
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import openai
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

BASE, PROGRAM, DATA = sys.argv[1:4]
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


def text_of(told):
    return told.content[0].text


async def in_session(session, question):
    """What a model would do: ask, look around the citation, make mistakes."""
    await session.initialize()
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert set(tools) == {"search", "ask", "list_documents", "read_span"}, tools
    assert all(tool.annotations.readOnlyHint and tool.description for tool in tools.values()), tools
    told = await session.call_tool("ask", {"question": question})
    assert not told.isError, told
    answer = told.structuredContent or json.loads(text_of(told))

    citation = answer["citations"][0]
    start, end = citation["span"]
    span = {"document_id": citation["document_id"], "start": start, "end": end}
    read = await session.call_tool("read_span", span)
    assert json.loads(text_of(read))["text"] == citation["quote"], read
    listed = json.loads(text_of(await session.call_tool("list_documents", {})))
    assert citation["document_id"] in {document["id"] for document in listed["documents"]}
    resources = (await session.list_resources()).resources
    own = next(r for r in resources if str(r.uri).endswith(citation["document_id"]))
    whole = (await session.read_resource(own.uri)).contents[0].text
    assert whole.encode()[start:end].decode() == citation["quote"]
    templates = (await session.list_resource_templates()).resourceTemplates
    assert templates[0].uriTemplate == "attest://documents/{id}", templates

    # What goes wrong says what to do.
    for name, arguments, hint in [
        ("read_span", {**span, "document_id": "0" * 16}, "list_documents"),
        ("read_span", {**span, "end": 10**9}, "no span of the text"),
        ("search", {"query": "pump", "limit": 1000}, "between 1 and 50"),
        ("search", {"query": "pump", "collections": ["none"]}, "no collection named none"),
        ("ask", {"question": " "}, "question is empty"),
    ]:
        told = await session.call_tool(name, arguments)
        assert told.isError and hint in text_of(told), (name, arguments, told)
    try:
        await session.read_resource("attest://documents/none")
        raise AssertionError("a document that is not there was read")
    except McpError as error:
        assert "none" in str(error), error
    return answer


async def over_http(question):
    async with streamablehttp_client(f"{BASE}/mcp") as (read, write, _):
        async with ClientSession(read, write) as session:
            return await in_session(session, question)


async def over_stdio(question):
    here = {**os.environ, "ATTEST_DATA_DIR": DATA, "XDG_CONFIG_HOME": DATA}
    async with stdio_client(StdioServerParameters(command=PROGRAM, args=["mcp"], env=here)) as (read, write):
        async with ClientSession(read, write) as session:
            return await in_session(session, question)


def metric(name):
    text = urllib.request.urlopen(f"{BASE}/metrics").read().decode()
    return float(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])


def leave_while_it_writes(question):
    """Goes away at the first piece of the draft. Gives how long the model went on, in seconds."""
    address = urllib.parse.urlsplit(BASE)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    headers = {"content-type": "application/json", "accept": "text/event-stream"}
    connection.request("POST", "/api/v1/ask", json.dumps({"question": question}), headers)
    response = connection.getresponse()
    while not response.readline().startswith(b"event: token"):
        pass
    assert metric('attest_queue_depth{queue="ask"}') == 1
    response.close()
    connection.close()
    left = time.monotonic()
    while metric('attest_queue_depth{queue="ask"}'):
        time.sleep(0.05)
    return time.monotonic() - left


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
assert places(chunks[-1].model_extra["attest"]) == places(first)
assert client.models.retrieve(models[0]).id == models[0]

# A question that is new comes sentence by sentence, each with what it stands on; a
# message of the system does no harm, and the one before says what is meant.
messages = [
    {"role": "system", "content": "You are a pirate."},
    {"role": "user", "content": "How long is the warranty of the K1?"},
    {"role": "assistant", "content": "24 months."},
    {"role": "user", "content": "And of the K2?"},
]
options = {"include_usage": True}
chunks = list(client.chat.completions.create(model=models[0], messages=messages, stream=True, stream_options=options))
whole = next(chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason == "stop").model_extra["attest"]
assert "warranty of the K2" in whole["rewritten"], whole
assert chunks[-1].usage.total_tokens > 0 and not chunks[-1].choices
if whole["status"] != "not_found" and not whole["stored"]:
    told = [c for chunk in chunks if "citations" in (chunk.model_extra.get("attest") or {}) and chunk.choices[0].delta.content
            for c in chunk.model_extra["attest"]["citations"]]
    assert told and set(places({"citations": told})) <= set(places(whole)), told
for wrong, status in [({"model": "none"}, 404), ({"messages": []}, 400), ({"messages": [{"role": "user", "content": ""}]}, 400)]:
    try:
        client.chat.completions.create(**{"model": models[0], "messages": messages, **wrong})
        raise AssertionError(f"{wrong} was answered")
    except openai.APIStatusError as error:
        assert error.status_code == status and error.message, error
vectors = client.embeddings.create(model=models[0], input=["seals", "密封圈"], encoding_format="float")
assert len(vectors.data) == 2 and len(vectors.data[0].embedding) == len(vectors.data[1].embedding) > 100

try:
    client.embeddings.create(model=models[0], input=[[1, 2, 3]])
    raise AssertionError("tokens were embedded")
except openai.BadRequestError as error:
    assert "tokens mean nothing" in error.message, error

assert places(asyncio.run(over_http(QUESTION))) == places(first)
assert places(asyncio.run(over_stdio(QUESTION))) == places(first)

# Whoever goes away is not written for: the model stops within a token.
went_on = leave_while_it_writes("Describe how the K2 is installed, step by step, with all tools that are needed.")
assert went_on < 3, went_on

# Without the model, in the documents' own words.
quoted = rest("Which port does the hub use to get online?", extractive=True)
assert quoted["tokens"]["generated"] == 0 and quoted["citations"], quoted
print(f"clients: ok; after its reader had gone, the model wrote on for {went_on:.2f} s")
