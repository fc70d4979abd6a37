// Questions and cited answers on any site, by one tag:
//
//   <script type="module" src="https://SERVER/widget.js" data-key="KEY" data-collection="NAME"></script>
//
// The server has to allow the site's origin (`--allow-origin`). `data-key` (a
// key that may only read), `data-collection`, `data-title` and `data-lang` are
// optional. Colours are the custom properties --attest-accent, --attest-paper,
// --attest-ink, --attest-quiet and --attest-line of the site's own style sheet.

import { Problem, ask } from "./api.js";
import { make } from "./dom.js";
import { glance } from "./glance.js";

const WORDS = {
  en: { open: "Ask a question", title: "What would you like to know?", send: "Ask", close: "Close", placeholder: "Your question…", searching: "searching…", reading: "reading {n} passages…", refused: "The documents do not answer this question.", closest: "These passages come closest:", advice: "Ask in other words, or about one thing at a time.", premise: "About the question:", newer_version: "Edition:", disagreement: "Sources disagree:", busy: "Many people are asking. Try again in {s} s.", failed: "It did not work: {why}", page: "page {n}", lines: "line {a}", checked: "Every sentence is checked against its source.", understood: "Understood as: {q}" },
  zh: { open: "提问", title: "您想知道什么？", send: "提问", close: "关闭", placeholder: "您的问题…", searching: "正在检索…", reading: "正在阅读 {n} 个段落…", refused: "文档中没有找到这个问题的答案。", closest: "以下段落最为接近：", advice: "请换一种说法，或一次只问一件事。", premise: "关于问题：", newer_version: "版本：", disagreement: "出处不一致：", busy: "提问的人较多，请在 {s} 秒后重试。", failed: "没有成功：{why}", page: "第 {n} 页", lines: "第 {a} 行", checked: "每一句都经过核对，并注明出处。", understood: "理解为：{q}" },
};

const STYLE = `
:host { all: initial; --a: var(--attest-accent, #1f5f54); --p: var(--attest-paper, #fff); --i: var(--attest-ink, #1d2124); --q: var(--attest-quiet, #5f676d); --l: var(--attest-line, #e2dfd8);
  position: fixed; right: 1rem; bottom: 1rem; z-index: 2147483000; font: 15px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; color: var(--i); }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
button { font: inherit; cursor: pointer; border: 1px solid var(--a); border-radius: 99px; padding: .55rem 1.1rem; background: var(--a); color: var(--p); }
:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
section { display: flex; flex-direction: column; width: min(25rem, calc(100vw - 2rem)); max-height: min(36rem, calc(100vh - 2rem)); background: var(--p); border: 1px solid var(--l); border-radius: 16px; box-shadow: 0 14px 50px #0003; overflow: hidden; }
header { display: flex; align-items: center; gap: .5rem; padding: .7rem 1rem; border-bottom: 1px solid var(--l); }
h2 { flex: 1; font-size: 1rem; line-height: 1.4; font-weight: 600; margin: 0; }
.close { border: 0; background: none; color: var(--q); padding: 0 .3rem; font-size: 1.3rem; line-height: 1; }
.thread { flex: 1; overflow-y: auto; padding: .5rem 1rem; min-height: 7rem; }
.asked { font-weight: 600; margin: .6rem 0 .2rem; overflow-wrap: anywhere; }
.said { margin: 0 0 .4rem; overflow-wrap: anywhere; }
.remark { margin: .3rem 0 .5rem; font-size: .9rem; overflow-wrap: anywhere; }
.note, .meant { color: var(--q); font-size: .85rem; }
.meant { margin: 0 0 .2rem; }
.quoted { color: var(--q); border-left: 3px solid var(--a); padding-left: .7rem; }
.cite { border: 0; padding: 0 .35em; margin-left: .15em; border-radius: 5px; font-size: .75rem; line-height: 1.4; font-weight: 600; vertical-align: .2em; background: color-mix(in srgb, var(--a) 15%, var(--p)); color: var(--a); }
blockquote { margin: .3rem 0 .6rem; padding-left: .7rem; border-left: 3px solid var(--a); font-size: .9rem; }
blockquote span { display: block; color: var(--q); font-size: .8rem; }
form { display: flex; gap: .5rem; padding: .7rem 1rem; border-top: 1px solid var(--l); }
input { flex: 1; min-width: 0; font: inherit; color: inherit; background: none; border: 1px solid var(--l); border-radius: 99px; padding: .5rem .9rem; }
@media (prefers-color-scheme: dark) { :host { --a: var(--attest-accent, #7cc5b4); --p: var(--attest-paper, #1c2023); --i: var(--attest-ink, #e7e5e0); --q: var(--attest-quiet, #a0a7ab); --l: var(--attest-line, #30363a); } }
`;

const own = new URL(import.meta.url);
const tag = [...document.querySelectorAll("script")].find((script) => script.src === own.href);
const { key, collection, title, lang } = tag?.dataset ?? {};
const language = (lang ?? document.documentElement.lang ?? navigator.language).startsWith("zh") ? "zh" : "en";
/** @param {keyof typeof WORDS.en} name @param {Record<string, any>} [values] */
const t = (name, values = {}) => WORDS[language][name].replace(/\{(\w)\w*\}/g, (_, letter) => String(values[letter] ?? ""));

const host = document.createElement("attest-widget");
const root = host.attachShadow({ mode: "open" });
const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);
root.adoptedStyleSheets = [sheet];

const opener = make("button", { type: "button" }, t("open"));
const close = make("button", { type: "button", className: "close", ariaLabel: t("close") }, "×");
const thread = make("div", { className: "thread", role: "log" }, make("p", { className: "note" }, t("checked")));
const input = make("input", { type: "text", maxLength: 4000, placeholder: t("placeholder"), ariaLabel: t("placeholder") });
const form = make("form", {}, input, make("button", { type: "submit" }, t("send")));
const panel = make("section", { role: "dialog", ariaLabel: title ?? t("title"), hidden: true }, make("header", {}, make("h2", {}, title ?? t("title")), close), thread, form);
root.append(opener, panel);
document.body.append(host);

/** @param {boolean} open */
function show(open) {
  panel.hidden = !open;
  opener.hidden = open;
  (open ? input : opener).focus();
}
opener.onclick = () => show(true);
close.onclick = () => show(false);
panel.onkeydown = (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "Escape") show(false);
};

/** Where something stands, for people. @param {any} place */
const where = (place) => (place.page != null ? t("page", { n: place.page }) : place.lines ? t("lines", { a: place.lines[0] }) : "");

/** The numbers of a sentence; a click shows the quote under the answer. @param {any} citation @param {HTMLElement} quotes */
function mark(citation, quotes) {
  const place = [citation.title, where(citation)].filter(Boolean).join(", ");
  const button = make("button", { type: "button", className: "cite", ariaLabel: `${citation.marker}: ${citation.title}` }, `${citation.marker}`);
  button.onclick = () => {
    const quote = make("blockquote", {}, glance(citation.quote), make("span", {}, `[${citation.marker}] ${place}`));
    quotes.replaceChildren(...(quotes.dataset.shown === String(citation.marker) ? [] : [quote]));
    quotes.dataset.shown = quotes.childElementCount ? String(citation.marker) : "";
  };
  return button;
}

/** What a reader should know beside the answer. @param {any} note @param {HTMLElement} quotes */
const remark = (note, quotes) =>
  make("p", { className: "remark" }, make("strong", {}, t(note.kind)), ` ${note.text} `, ...note.citations.map((/** @type {any} */ citation) => mark(citation, quotes)));

/** What a refusal offers. @param {any[]} closest */
function help(closest) {
  const passages = closest.slice(0, 3).map((hit) => {
    const place = [hit.title, where(hit)].filter(Boolean).join(", ");
    const text = glance(hit.text);
    return make("blockquote", {}, text.length > 240 ? `${text.slice(0, 240)}…` : text, make("span", {}, place));
  });
  return [...(passages.length ? [make("p", { className: "remark" }, t("closest")), ...passages] : []), make("p", { className: "remark" }, t("advice"))];
}

/** @type {AbortController | undefined} */
let running;
/** What was asked before; it is kept nowhere else. @type {string[]} */
const earlier = [];
form.onsubmit = async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const question = input.value.trim();
  if (!question) return;
  input.value = "";
  running?.abort();
  running = new AbortController();
  const said = make("p", { className: "said" });
  const meant = make("p", { className: "meant", hidden: true });
  const state = make("p", { className: "note" }, t("searching"));
  const quotes = make("div");
  const more = make("div");
  thread.append(make("p", { className: "asked" }, question), meant, said, more, quotes, state);
  thread.scrollTop = thread.scrollHeight;
  const citations = new Map();
  /** @param {any} sentence */
  const add = (sentence) => {
    if (sentence.verdict !== "supported") return;
    if (said.classList.contains("quoted")) {
      said.classList.remove("quoted");
      said.replaceChildren();
    }
    said.append(said.childNodes.length ? " " : "", sentence.text, ...sentence.citations.map((/** @type {number} */ n) => mark(citations.get(n), quotes)));
  };
  try {
    const body = { question, earlier: earlier.slice(-5), ...(collection && { collections: [collection] }) };
    earlier.push(question);
    await ask(body, running.signal, (name, data) => {
      if (name === "retrieval") {
        state.textContent = t("reading", { n: Math.min(data.hits.length, 5) });
        meant.hidden = data.question === question;
        meant.textContent = t("understood", { q: data.question });
      } else if (name === "extractive") {
        for (const citation of data.citations) citations.set(citation.marker, citation);
        data.sentences.forEach(add);
        said.classList.add("quoted");
      }
      else if (name === "citation") citations.set(data.marker, data);
      else if (name === "verified") add(data);
      else if (name === "error") throw new Problem(data.status, data, "5");
      else if (name === "done") {
        said.replaceChildren();
        said.classList.remove("quoted");
        quotes.replaceChildren();
        for (const citation of data.citations) citations.set(citation.marker, citation);
        if (data.status === "not_found") said.textContent = t("refused");
        else data.sentences.forEach(add);
        more.replaceChildren(...(data.notes ?? []).map((/** @type {any} */ note) => remark(note, quotes)), ...(data.status === "not_found" ? help(data.closest) : []));
        state.remove();
      }
      thread.scrollTop = thread.scrollHeight;
    }, { base: own.origin, key });
  } catch (error) {
    if (error instanceof Problem && error.status === 429) state.textContent = t("busy", { s: error.retryAfter || 5 });
    else state.textContent = t("failed", { w: error instanceof Error ? error.message : String(error) });
  }
};
