// One question and its answer on the page, live or from the history.

import { call } from "./api.js";
import { byId, make } from "./dom.js";
import { glance } from "./glance.js";
import { t } from "./i18n.js";
import { open } from "./reader.js";

/** Where something stands, for people. @param {any} place @returns {string} */
export function where(place) {
  if (place.page != null) return t("page", { n: place.page });
  if (!place.lines) return "";
  const [a, b] = place.lines;
  return a === b ? t("line", { a }) : t("lines", { a, b });
}

/** A passage to open. @param {any} hit */
export function source(hit) {
  const trail = hit.heading.filter((/** @type {string} */ part) => part !== hit.title).join(" › ");
  const button = make(
    "button",
    { type: "button" },
    make("strong", {}, hit.title),
    make("span", { className: "place" }, ` ${where(hit)}${trail ? ` · ${trail}` : ""}`),
    make("span", { className: "text" }, glance(hit.text)),
  );
  button.onclick = () => open(hit, button);
  return make("li", {}, button);
}

/** Ranks by search, and the words in common. @param {any[]} hits */
function why(hits) {
  const head = ["", "passage", "meaning", "words", "graph", "second", "matched"];
  const rank = (/** @type {any} */ place) => (place ? `#${place.rank}` : "–");
  const rows = hits.map((hit, at) => {
    const { dense, lexical, graph, rerank } = hit.sources;
    const values = [String(at + 1), `${hit.title} ${where(hit)}`, rank(dense), rank(lexical), rank(graph), rank(rerank), hit.matched.join(" ")];
    return make("tr", {}, ...values.map((value) => make("td", {}, value)));
  });
  const heading = make("tr", {}, ...head.map((key) => make("th", { scope: "col" }, key ? t(key) : "")));
  return make("details", {}, make("summary", {}, t("why")), make("table", {}, make("thead", {}, heading), make("tbody", {}, ...rows)));
}

/** The number of a citation: its quote at a glance, its document at a click. @param {any} citation */
export function mark(citation) {
  const button = make("button", { type: "button", className: "cite" }, `${citation.marker}`);
  button.setAttribute("aria-label", `${citation.marker}: ${citation.title}, ${where(citation)}`);
  const quote = byId("quote");
  const show = () => {
    quote.replaceChildren(make("div", { className: "place" }, `${citation.title}, ${where(citation)}`), glance(citation.quote));
    quote.hidden = false;
    const box = button.getBoundingClientRect();
    const size = quote.getBoundingClientRect();
    quote.style.left = `${Math.max(8, Math.min(box.left, innerWidth - size.width - 8))}px`;
    quote.style.top = `${box.top > size.height + 12 ? box.top - size.height - 6 : box.bottom + 6}px`;
  };
  const hide = () => (quote.hidden = true);
  button.onmouseenter = button.onfocus = show;
  button.onmouseleave = button.onblur = hide;
  button.onclick = () => {
    hide();
    open(citation, button);
  };
  return button;
}

/** @typedef {ReturnType<typeof frame>} Parts the places of a turn */

/** A question with room for its answer. @param {string} question */
export function frame(question) {
  const text = make("div", { className: "answer" });
  const footer = make("div", { className: "state" });
  const sources = make("ul", { className: "sources" });
  const turn = make("article", { className: "turn", tabIndex: -1 }, make("h2", {}, question), text, footer, sources);
  return { turn, question, text, footer, sources };
}

/** Says how a follow-up was understood. @param {Parts} parts @param {string} meant */
export function understood({ turn, question, text }, meant) {
  if (meant === question || turn.querySelector(".understood")) return;
  text.before(make("p", { className: "understood" }, t("understood", { q: meant })));
}

/** The sentences that stand, with their marks. @param {any[]} sentences @param {Map<number, any>} citations */
export function prose(sentences, citations) {
  const paragraph = make("p");
  for (const sentence of sentences) {
    if (sentence.verdict && sentence.verdict !== "supported") continue;
    if (paragraph.childNodes.length) paragraph.append(/^[\u3400-\u9fff]/u.test(sentence.text) ? "" : " ");
    paragraph.append(sentence.text, ...sentence.citations.map((/** @type {number} */ n) => mark(citations.get(n))));
  }
  return paragraph;
}

/** Shows a finished answer. @param {Parts} parts @param {any} result */
export function fill(parts, result) {
  const { turn, text, footer, sources } = parts;
  understood(parts, result.question);
  const refused = result.status === "not_found";
  const hits = refused ? result.closest : result.passages;
  if (refused) text.replaceChildren(make("p", {}, make("strong", {}, t("refused")), make("br"), t("refusedHelp")));
  else text.replaceChildren(prose(result.sentences, new Map(result.citations.map((/** @type {any} */ c) => [c.marker, c]))));
  sources.replaceChildren(...hits.slice(0, 5).map(source));
  turn.querySelector("details")?.remove();
  sources.after(why(hits));
  const { prompt, cached } = result.tokens;
  const seconds = (result.timings_ms.total / 1000).toFixed(1);
  footer.replaceChildren(
    make("span", { className: refused ? "badge refused" : "badge" }, refused ? "" : t(result.status)),
    ...(prompt ? [make("span", {}, t("seconds", { s: seconds, n: prompt, k: cached }))] : []),
    ...(refused ? [] : [copier("copy", () => cited(result))]),
    ...(result.receipt ? [copier("link", () => `${location.origin}${location.pathname}#/answer/${result.receipt}`)] : []),
    make("a", { href: `#/graph?q=${encodeURIComponent(result.question)}` }, t("graphView")),
    ...(result.receipt ? [rating(result.receipt)] : []),
  );
}

/** An answer as text, with its sources. @param {any} result */
function cited(result) {
  const notes = result.citations.map((/** @type {any} */ c) => `[${c.marker}] ${c.title}, ${where(c)}: “${c.quote}”`);
  return [result.answer, "", ...notes].join("\n");
}

/** A button that copies what `text` gives. @param {string} name its word @param {() => string} text */
function copier(name, text) {
  const button = make("button", { type: "button" }, t(name));
  button.onclick = async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = t("copied");
  };
  return button;
}

/** @param {string} receipt its id */
function rating(receipt) {
  const box = make("span", { className: "rating" });
  const headers = { "content-type": "application/json" };
  const rate = (/** @type {string} */ verdict, /** @type {string} */ sign) => {
    const button = make("button", { type: "button", title: t(verdict) }, sign);
    button.setAttribute("aria-label", t(verdict));
    button.onclick = async () => {
      await call("feedback", { method: "POST", headers, body: JSON.stringify({ receipt, verdict }) });
      box.replaceChildren(t("thanks"));
    };
    return button;
  };
  box.append(rate("up", "▲"), rate("down", "▼"));
  return box;
}
