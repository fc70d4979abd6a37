// The page: views, keys, and the question box.

import { call } from "./api.js";
import { answer } from "./answer.js";
import { byId, make } from "./dom.js";
import { apply, current, t } from "./i18n.js";
import { show as showLibrary } from "./library.js";
import { close } from "./reader.js";

const box = /** @type {HTMLTextAreaElement} */ (byId("question"));
const thread = byId("thread");
/** @type {AbortController | null} */
let running = null;
/** The conversation on the page; begun with its first question. @type {string | undefined} */
let conversation;

function route() {
  const view = location.hash.startsWith("#/library") ? "library" : "ask";
  byId("ask-view").hidden = view !== "ask";
  byId("library-view").hidden = view !== "library";
  for (const link of document.querySelectorAll("nav a"))
    if (link.getAttribute("data-view") === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  if (view === "library") showLibrary();
  else welcome();
}

/** The first thing a person sees. */
async function welcome() {
  if (thread.childElementCount && !thread.querySelector(".welcome")) return;
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
  running = new AbortController();
  byId("send").hidden = true;
  byId("stop").hidden = false;
  box.value = "";
  fit();
  // Without one, the question is asked all the same.
  conversation ??= (await call("conversations", { method: "POST" }).catch(() => undefined))?.id;
  await answer(thread, question.trim(), conversation, running.signal, () => send(question));
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
box.onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send(box.value);
  }
};
document.onkeydown = (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
  if (event.key === "Escape") close();
  if (event.key === "/" && !typing) {
    event.preventDefault();
    location.hash = "#/";
    box.focus();
  }
};

function speak() {
  byId("language").textContent = current() === "zh" ? "English" : "中文";
  byId("hint").textContent = t("keys");
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
  location.hash = "#/";
  welcome();
};
addEventListener("hashchange", route);
apply(current());
speak();
route();
