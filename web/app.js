// The page: which view is shown, and the question box.

import { answer } from "./answer.js";
import { call } from "./api.js";
import { byId, make } from "./dom.js";
import { show as showGraph } from "./graph.js";
import { receipt, reopen, show as showHistory } from "./history.js";
import { apply, current, t } from "./i18n.js";
import { listen } from "./keys.js";
import { show as showLibrary } from "./library.js";
import { close } from "./reader.js";

const box = /** @type {HTMLTextAreaElement} */ (byId("question"));
const thread = byId("thread");
/** @type {AbortController | null} */
let running = null;
/** The conversation on the page; begun with its first question. @type {string | undefined} */
let conversation;

/** Shows what the address says: `#/`, `#/conversation/ID`, `#/answer/RECEIPT`, `#/history`, `#/graph?q=WORDS`, `#/library`. */
async function route() {
  const [path, query] = location.hash.replace(/^#\//, "").split("?");
  const [name, id] = path.split("/");
  const view = ["library", "history", "graph"].includes(name) ? name : "ask";
  for (const section of document.querySelectorAll("main > section")) /** @type {HTMLElement} */ (section).hidden = section.id !== `${view}-view`;
  for (const link of document.querySelectorAll("nav a"))
    if (link.getAttribute("data-view") === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  try {
    if (view === "library") await showLibrary();
    else if (view === "history") await showHistory();
    else if (view === "graph") await showGraph(new URLSearchParams(query));
    else if (name === "answer" && id) await only(undefined, () => receipt(thread, id));
    else if (name === "conversation" && id && id !== conversation) await only(id, () => reopen(thread, id));
    else if (!thread.childElementCount || thread.querySelector(".welcome")) await welcome();
  } catch (error) {
    const target = view === "ask" ? thread : byId(`${view}-view`).querySelector("ul, .list") ?? thread;
    target.replaceChildren(make("p", { className: "error", role: "alert" }, t("failed", { why: error instanceof Error ? error.message : String(error) })));
  }
}

/** Shows something stored in place of the conversation on the page. @param {string | undefined} id of a conversation to go on with @param {() => Promise<void>} draw */
async function only(id, draw) {
  running?.abort();
  conversation = id;
  thread.replaceChildren();
  await draw();
}

/** The first thing a person sees. */
async function welcome() {
  const status = await call("status").catch(() => ({ documents: 0 }));
  const intro = make("div", { className: "welcome" }, make("h2", {}, t("welcome")), make("p", { className: "quiet" }, t("lead")));
  if (!status.documents) intro.append(make("p", {}, t("empty"), " ", make("a", { href: "#/library" }, t("addFirst"))));
  thread.replaceChildren(intro);
  box.focus();
}

/** @param {string} question */
async function send(question) {
  if (running || !question.trim()) return;
  thread.querySelector(".welcome")?.remove();
  const own = new AbortController();
  running = own;
  byId("send").hidden = true;
  byId("stop").hidden = false;
  box.value = "";
  fit();
  // Without one, the question is asked all the same.
  conversation ??= (await call("conversations", { method: "POST" }).catch(() => undefined))?.id;
  await answer(thread, question.trim(), conversation, own.signal, () => send(question));
  running = null;
  byId("send").hidden = false;
  byId("stop").hidden = true;
}

function fit() {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}

byId("ask-form").onsubmit = (event) => {
  event.preventDefault();
  send(box.value);
};
byId("stop").onclick = () => running?.abort();
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
listen({ ask, close });

function speak() {
  byId("language").textContent = current() === "zh" ? "English" : "中文";
}
byId("language").onclick = () => {
  apply(current() === "zh" ? "en" : "zh");
  speak();
  route();
};
byId("new").onclick = () => {
  running?.abort();
  conversation = undefined;
  thread.replaceChildren();
  if (location.hash === "#/" || !location.hash) welcome();
  else location.hash = "#/";
};
addEventListener("hashchange", route);
apply(current());
speak();
route();
