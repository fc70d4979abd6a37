// The page: which view is shown, and the question box.

import { answer } from "./answer.js";
import { call } from "./api.js";
import { byId, make } from "./dom.js";
import { listen as listenDoor } from "./door.js";
import { show as showGraph } from "./graph.js";
import { list, receipt, reopen, show as showHistory } from "./history.js";
import { apply, current, t } from "./i18n.js";
import { icon } from "./icons.js";
import { listen as listenKeys } from "./keys.js";
import { show as showLibrary } from "./library.js";
import { close, isOpen, leaf } from "./reader.js";
import { listen as listenTheme } from "./theme.js";

const box = /** @type {HTMLTextAreaElement} */ (byId("question"));
const scope = /** @type {HTMLSelectElement} */ (byId("scope"));
const thread = byId("thread");
/** @type {AbortController | null} */
let running = null;
/** The conversation on the page; begun with its first question. @type {string | undefined} */
let conversation;

/** Shows what the address says: `#/`, `#/conversation/ID`, `#/answer/RECEIPT`, `#/history`, `#/graph?q=WORDS`, `#/library?q=WORDS`. */
async function route() {
  const [path, query] = location.hash.replace(/^#\//, "").split("?");
  const [name, id] = path.split("/");
  const view = ["library", "history", "graph"].includes(name) ? name : "ask";
  for (const section of document.querySelectorAll("main > section")) /** @type {HTMLElement} */ (section).hidden = section.id !== `${view}-view`;
  for (const link of document.querySelectorAll("nav a"))
    if (link.getAttribute("data-view") === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  document.title = view === "ask" ? "Attest" : `${t(view === "graph" ? "graphView" : view)} · Attest`;
  try {
    if (view === "library") await showLibrary(new URLSearchParams(query));
    else if (view === "history") await showHistory();
    else if (view === "graph") await showGraph(new URLSearchParams(query));
    else if (name === "answer" && id) await only(undefined, () => receipt(thread, id));
    else if (name === "conversation" && id && id !== conversation) await only(id, () => reopen(thread, id));
    else if (!thread.childElementCount || thread.querySelector(".welcome")) await welcome();
  } catch (error) {
    const target = { library: "documents", history: "conversations", graph: "graph-about", ask: "thread" }[view] ?? "thread";
    byId(target).replaceChildren(make("p", { className: "error", role: "alert" }, t("failed", { why: error instanceof Error ? error.message : String(error) })));
  }
}

/** Shows something stored in place of the conversation on the page. @param {string | undefined} id of a conversation to go on with @param {() => Promise<void>} draw */
async function only(id, draw) {
  running?.abort();
  conversation = id;
  settle(true);
  thread.replaceChildren();
  await draw();
}

/** Whether there is something to go on with, or the page is empty. @param {boolean} begun */
function settle(begun) {
  byId("ask-view").classList.toggle("begun", begun);
  byId("recent").hidden = begun;
  box.placeholder = t(begun ? "followUp" : "placeholder");
}

/** The first thing a person sees. */
async function welcome() {
  const intro = make("div", { className: "welcome" }, make("h2", {}, t("welcome")), make("p", { className: "quiet" }, t("lead")));
  thread.replaceChildren(intro);
  settle(false);
  box.focus();
  /** @type {[any, any[]]} */
  const [status, recent] = await Promise.all([call("status"), list()]).catch(() => [undefined, /** @type {any[]} */ ([])]);
  if (!status) return;
  choices(status.collections);
  byId("recent").replaceChildren(...first(status), ...(status.documents && recent.length ? [earlier(recent)] : []));
}

/** How much there is to ask, and what is still to be done. @param {any} status */
function first(status) {
  const lines = [];
  if (!status.documents) {
    const add = make("a", { className: "button main", href: "#/library" }, t("addFirst"));
    lines.push(make("div", { className: "start" }, make("p", {}, t("empty")), add));
  } else {
    const count = t("counts", { d: status.documents, p: status.passages });
    lines.push(make("p", { className: "quiet centre" }, make("a", { href: "#/library" }, count), status.pending ? ` · ${t("pending", { n: status.pending })}` : ""));
  }
  if (!status.ready) lines.push(make("p", { className: "quiet centre" }, t("preparing")));
  return lines;
}

/** What was asked lately. @param {any[]} conversations */
function earlier(conversations) {
  const once = conversations.filter(({ title }, at) => conversations.findIndex((other) => other.title === title) === at);
  const links = once.slice(0, 4).map(({ id, title }) => make("li", {}, make("a", { href: `#/conversation/${id}` }, title)));
  return make("div", { className: "earlier" }, make("h3", {}, t("recent")), make("ul", {}, ...links));
}

/** The collections to choose from, where there are several. @param {{name: string, documents: number}[]} collections */
function choices(collections) {
  const before = scope.value;
  const names = collections.filter(({ documents }) => documents).map(({ name }) => name);
  scope.replaceChildren(new Option(t("everything"), ""), ...names.map((name) => new Option(name, name)));
  scope.value = names.includes(before) ? before : "";
  byId("scope-label").hidden = names.length < 2;
}

/** @param {string} question */
async function send(question) {
  if (running || !question.trim()) return;
  thread.querySelector(".welcome")?.remove();
  settle(true);
  const own = new AbortController();
  running = own;
  busy(true);
  box.value = "";
  fit();
  // Without one, the question is asked all the same.
  conversation ??= (await call("conversations", { method: "POST" }).catch(() => undefined))?.id;
  const collections = scope.value ? [scope.value] : [];
  const everywhere = () => {
    scope.value = "";
    send(question);
  };
  await answer(thread, question.trim(), { conversation, collections }, own.signal, () => send(question), collections.length ? { everywhere } : {});
  if (running !== own) return;
  running = null;
  busy(false);
}

/** @param {boolean} is whether an answer is being written */
function busy(is) {
  byId("send").hidden = is;
  byId("stop").hidden = !is;
}

function stop() {
  running?.abort();
  running = null;
  busy(false);
}

function fit() {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

byId("send").append(icon("ask"));
byId("stop").append(icon("stop"));
byId("ask-form").onsubmit = (event) => {
  event.preventDefault();
  send(box.value);
};
byId("stop").onclick = stop;
box.oninput = fit;
box.onkeydown = (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send(box.value);
  }
};

function ask() {
  if (byId("ask-view").hidden) location.hash = "#/";
  byId("ask-view").hidden = false;
  box.focus();
}
listenKeys({ ask, leaf, escape: () => (isOpen() ? close() : stop()) });

function speak() {
  const other = byId("language");
  other.textContent = current() === "zh" ? "English" : "中文";
  other.lang = current() === "zh" ? "en" : "zh";
}
byId("language").onclick = () => {
  apply(current() === "zh" ? "en" : "zh");
  speak();
  route();
};
byId("new").onclick = () => {
  stop();
  conversation = undefined;
  thread.replaceChildren();
  if (location.hash === "#/" || !location.hash) welcome();
  else location.hash = "#/";
};
addEventListener("hashchange", route);
apply(current());
speak();
listenDoor();
listenTheme();
route();
