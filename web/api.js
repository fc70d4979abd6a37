// What the page asks of the server.

/** An error the server explained. */
export class Problem extends Error {
  /** @param {number} status @param {any} body @param {string | null} retryAfter seconds */
  constructor(status, body, retryAfter) {
    super(body?.detail ?? String(status));
    this.status = status;
    /** Why, in one word, where the server has one. @type {string | null} */
    this.reason = body?.reason ?? null;
    this.retryAfter = Number(retryAfter ?? 0);
  }
}

/** @param {Response} response @returns {Promise<Problem>} */
async function problem(response) {
  const body = await response.json().catch(() => ({ detail: response.statusText }));
  return new Problem(response.status, body, response.headers.get("retry-after"));
}

// Where the server wants a key, it is kept in this browser and sent with every request.
const PLACE = "attest-key";

/** @returns {string | null} */
export const key = () => localStorage.getItem(PLACE);

/** @param {string | null} value */
export function setKey(value) {
  if (value) localStorage.setItem(PLACE, value);
  else localStorage.removeItem(PLACE);
}

/** Called when the server wants another key; gives whether there is one now. @type {() => Promise<boolean>} */
let door = async () => false;

/** @param {typeof door} open */
export const onLocked = (open) => (door = open);

/** @param {Record<string, string>} [more] @returns {Record<string, string>} */
const headers = (more = {}) => (key() ? { ...more, authorization: `Bearer ${key()}` } : more);

/** @param {string} path @param {RequestInit & {headers?: Record<string, string>}} [init] @returns {Promise<Response>} */
async function reach(path, init = {}) {
  for (;;) {
    const response = await fetch(path, { ...init, headers: headers(init.headers) });
    if (response.ok) return response;
    const why = await problem(response);
    if (why.status !== 401 || !(await door())) throw why;
  }
}

/** @param {string} path @param {RequestInit & {headers?: Record<string, string>}} [init] @returns {Promise<any>} */
export async function call(path, init) {
  const response = await reach(`/api/v1/${path}`, init);
  return response.status === 204 ? undefined : response.json();
}

/** @param {string} path @param {any} body @returns {Promise<any>} */
export const post = (path, body) => call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** @param {string} path @returns {Promise<Blob>} */
export const blob = async (path) => (await reach(`/api/v1/${path}`)).blob();

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

/** @param {Response} response @param {(event: string, data: any) => void} on */
async function listen(response, on) {
  if (!response.body) throw new Error("the answer has no body");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const events = eventParser();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    for (const { event, data } of events(value)) on(event, JSON.parse(data));
  }
}

/**
 * Asks, and calls `on` with every event.
 * @param {{question: string, conversation?: string, collections?: string[], extractive?: boolean, earlier?: string[]}} body @param {AbortSignal} signal
 * @param {(event: string, data: any) => void} on
 * @param {{base: string, key?: string}} [server] another one than the page's own, and the key it wants
 */
export async function ask(body, signal, on, server) {
  const wants = { "content-type": "application/json", accept: "text/event-stream" };
  const init = { method: "POST", body: JSON.stringify(body), signal };
  if (!server) return listen(await reach("/api/v1/ask", { ...init, headers: wants }), on);
  /** @type {Record<string, string>} */
  const own = server.key ? { authorization: `Bearer ${server.key}` } : {};
  const response = await fetch(`${server.base}/api/v1/ask`, { ...init, headers: { ...wants, ...own } });
  if (!response.ok) throw await problem(response);
  return listen(response, on);
}

/** Follows a job until it is done. @param {string} id @param {(job: any) => void} on */
export async function follow(id, on) {
  await listen(await reach(`/api/v1/jobs/${id}`, { headers: { accept: "text/event-stream" } }), (_, job) => on(job));
}

/**
 * Sends a form; unlike `fetch`, this tells how far it is.
 * @param {FormData} form @param {(part: number) => void} on from 0 to 1 @returns {Promise<any>}
 */
export function upload(form, on) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/v1/documents");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => on(total ? loaded / total : 0);
    request.onerror = () => reject(new Error("the server cannot be reached"));
    request.onload = () => {
      if (request.status < 300) resolve(request.response);
      else reject(new Problem(request.status, request.response ?? { detail: request.statusText }, request.getResponseHeader("retry-after")));
    };
    request.send(form);
  });
}
