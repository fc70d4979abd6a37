// What the page asks of the server.

/** An error the server explained. */
export class Problem extends Error {
  /** @param {number} status @param {string} detail @param {number} retryAfter seconds */
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** @param {Response} response @returns {Promise<Problem>} */
async function problem(response) {
  const body = await response.json().catch(() => ({}));
  return new Problem(response.status, body.detail ?? response.statusText, Number(response.headers.get("retry-after") ?? 0));
}

/** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
export async function call(path, init) {
  const response = await fetch(`/api/v1/${path}`, init);
  if (!response.ok) throw await problem(response);
  return response.status === 204 ? undefined : response.json();
}

/**
 * Cuts a stream of text into server-sent events.
 * @returns {(text: string) => {event: string, data: string}[]} takes a piece, gives the events that are complete
 */
export function eventParser() {
  let rest = "";
  return (text) => {
    rest += text.replaceAll("\r\n", "\n");
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => {
      let event = "message";
      const data = [];
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) event = line.slice(6).trim();
        if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      }
      return data.length ? [{ event, data: data.join("\n") }] : [];
    });
  };
}

/**
 * Asks, and calls `on` with every event.
 * @param {{question: string, conversation?: string, collections?: string[]}} body @param {AbortSignal} signal
 * @param {(event: string, data: any) => void} on
 * @param {{base?: string, key?: string}} [server] another one than the page's own, and the key it wants
 */
export async function ask(body, signal, on, { base = "", key } = {}) {
  const response = await fetch(`${base}/api/v1/ask`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok || !response.body) throw await problem(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const events = eventParser();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    for (const { event, data } of events(value)) on(event, JSON.parse(data));
  }
}
