// One question and its answer on the page, live or from the history.

import { post } from "./api.js";
import { byId, make } from "./dom.js";
import { glance } from "./glance.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { open } from "./reader.js";
import { why } from "./why.js";

/** Where something stands, for people. @param {any} place @returns {string} */
export function where(place) {
  if (place.page != null) return t("page", { n: place.page });
  if (!place.lines) return "";
  const [a, b] = place.lines;
  return a === b ? t("line", { a }) : t("lines", { a, b });
}

/** The headings above a passage, without what the title says already. @param {any} hit @returns {string} */
export const trail = (hit) => hit.heading.filter((/** @type {string} */ part) => part !== hit.title).join(" › ");

/** A passage to open, by the heading that is nearest to it. @param {any} hit */
export function source(hit) {
  const name = hit.heading.at(-1) || hit.title;
  const button = make(
    "button",
    { type: "button", title: [hit.title, trail(hit)].filter(Boolean).join(" › ") },
    make("span", { className: "marks" }),
    make("strong", {}, name),
    make("span", { className: "place" }, [...(name === hit.title ? [] : [hit.title]), where(hit)].filter(Boolean).join(" · ")),
    make("span", { className: "text" }, glance(hit.text)),
  );
  button.onclick = () => open(hit, button);
  const item = make("li", {}, button);
  item.dataset.chunk = hit.chunk_id;
  return item;
}

/** The number of a citation: its quote at a glance, its document at a click. @param {any} citation */
export function mark(citation) {
  const button = make("button", { type: "button", className: "cite" }, `${citation.marker}`);
  button.setAttribute("aria-label", `${citation.marker}: ${citation.title}, ${where(citation)}`);
  const quote = byId("quote");
  const show = () => {
    const place = [citation.title, where(citation)].filter(Boolean).join(", ");
    quote.replaceChildren(make("q", {}, glance(citation.quote)), make("div", { className: "place" }, place));
    quote.hidden = false;
    const box = button.getBoundingClientRect();
    const size = quote.getBoundingClientRect();
    quote.style.left = `${Math.max(8, Math.min(box.left, innerWidth - size.width - 8))}px`;
    quote.style.top = `${box.top > size.height + 12 ? box.top - size.height - 8 : box.bottom + 8}px`;
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
  const status = make("p", { className: "status" });
  const text = make("div", { className: "answer" });
  const actions = make("div", { className: "actions" });
  const list = make("ol", { className: "sources" });
  const sources = make("div", { className: "beside", role: "group", ariaLabel: t("sources") }, make("h3", {}, t("sources")), list);
  const turn = make("article", { className: "turn", tabIndex: -1 }, make("h2", {}, question), status, sources, text, actions);
  return { turn, question, status, text, actions, sources, list };
}

/** Says how it stands with an answer. @param {Parts} parts @param {string} kind `working`, `grounded`, `partial`, `not_found`, `failed` @param {string} words @param {string} [more] */
export function say({ status }, kind, words, more) {
  const signs = /** @type {Record<string, string>} */ ({ grounded: "check", partial: "partial", not_found: "none", failed: "none" });
  const sign = signs[kind] ? icon(signs[kind]) : make("span", { className: "dot" });
  status.className = `status ${kind}`;
  status.replaceChildren(sign, make("span", { className: "badge" }, words), ...(more ? [make("span", { className: "more" }, more)] : []));
}

/** Says how a follow-up was understood. @param {Parts} parts @param {string} meant */
export function understood({ turn, question, status }, meant) {
  if (meant === question || turn.querySelector(".understood")) return;
  status.before(make("p", { className: "understood" }, t("understood", { q: meant })));
}

/** Sentences with their marks. @param {any[]} sentences @param {Map<number, any>} citations */
export function prose(sentences, citations) {
  const paragraph = make("p");
  for (const sentence of sentences) {
    if (sentence.verdict && sentence.verdict !== "supported") continue;
    if (paragraph.childNodes.length) paragraph.append(/^[\u3400-\u9fff]/u.test(sentence.text) ? "" : " ");
    const words = glance(sentence.text);
    // What the documents say word for word is told from what was written from them.
    paragraph.append(sentence.quoted ? make("q", { title: t("verbatim") }, words) : words, ...sentence.citations.map((/** @type {number} */ n) => mark(citations.get(n))));
  }
  return paragraph;
}

/** Citations by their numbers. @param {any[]} citations @returns {Map<number, any>} */
export const numbered = (citations) => new Map(citations.map((citation) => [citation.marker, citation]));

/** Shows which passages are cited, without moving any. @param {HTMLElement} list @param {any[]} citations */
function point(list, citations) {
  for (const citation of citations) {
    const marks = list.querySelector(`[data-chunk="${citation.chunk_id}"] .marks`);
    if (marks) marks.append(make("span", { className: "number" }, String(citation.marker)));
  }
}

/** What a reader should know beside the answer. @param {any[]} notes */
function beside(notes) {
  return notes.map((note) => make("p", { className: "note" }, make("strong", {}, t(note.kind)), ` ${note.text}`, ...note.citations.map(mark)));
}

/**
 * Shows a finished answer.
 * @param {Parts} parts @param {any} result
 * @param {{everywhere?: () => void, again?: () => void}} [more] what a refusal, or an answer made with less than all, may offer
 */
export function fill(parts, result, more = {}) {
  const { turn, text, actions, sources, list } = parts;
  understood(parts, result.question);
  const refused = result.status === "not_found";
  const took = result.stored ? t("kept") : t("took", { s: (result.timings_ms.total / 1000).toFixed(1) });
  const stands = result.sentences.filter((/** @type {any} */ sentence) => sentence.verdict === "supported");
  const quotes = result.status === "partial" && stands.every((/** @type {any} */ sentence) => sentence.quoted);
  say(parts, result.status, t(refused ? "refused" : quotes ? "quotes" : result.status), result.tokens.prompt ? took : undefined);
  const degraded = result.degraded.map((/** @type {string} */ reason) => make("p", { className: "note" }, reason));
  const remarks = beside(result.notes ?? []);
  if (refused) text.replaceChildren(...remarks, ...degraded, help(result, more));
  else text.replaceChildren(prose(result.sentences, numbered(result.citations)), ...remarks, ...degraded);
  sources.hidden = refused || !result.passages.length;
  list.replaceChildren(...result.passages.slice(0, 5).map(source));
  // Without the model, the answer is the documents' own.
  if (!refused && !result.passages.length) {
    list.replaceChildren(...result.citations.map(cited));
    sources.hidden = false;
  }
  point(list, result.citations);
  turn.querySelector("details")?.remove();
  const explained = why(result);
  const { receipt } = result;
  const again = degraded.length && more.again ? [retry(more.again)] : [];
  actions.replaceChildren(
    ...again,
    ...(refused ? [] : [copier("copy", () => asText(result))]),
    ...(receipt ? [copier("link", () => `${location.origin}${location.pathname}#/answer/${receipt}`)] : []),
    make("a", { className: "action", href: `#/graph?q=${encodeURIComponent(result.question)}` }, icon("graph"), t("graphView")),
    ...(receipt ? [rating(receipt)] : []),
    ...(explained ? [explained] : []),
  );
}

/** Asks again what was answered without the model, or before all was read. @param {() => void} redo */
function retry(redo) {
  const button = make("button", { type: "button", className: "action" }, icon("again"), make("span", {}, t("retry")));
  button.onclick = redo;
  return button;
}

/** A citation as a passage to open. @param {any} citation */
const cited = (citation) => source({ ...citation, text: citation.quote });

/** What a refusal offers. @param {any} result @param {{everywhere?: () => void}} more */
function help(result, { everywhere }) {
  const box = make("div", { className: "refusal" });
  if (result.closest.length) {
    box.append(make("p", {}, t("closest")), make("ol", { className: "sources list" }, ...result.closest.slice(0, 3).map(source)));
  }
  const search = make("a", { href: `#/library?q=${encodeURIComponent(result.question)}` }, t("trySearch"));
  const add = make("a", { href: "#/library" }, t("tryAdd"));
  /** @type {(string | HTMLElement)[]} */
  const ways = [t("tryWords"), search, add];
  if (everywhere) {
    const all = make("button", { type: "button", className: "text" }, t("tryAll"));
    all.onclick = everywhere;
    ways.unshift(all);
  }
  box.append(make("p", {}, t("tryThis")), make("ul", { className: "ways" }, ...ways.map((way) => make("li", {}, way))));
  return box;
}

/** An answer as text, with its sources. @param {any} result */
function asText(result) {
  const notes = result.notes ?? [];
  const said = notes.map((/** @type {any} */ note) => `${note.text} ${note.citations.map((/** @type {any} */ c) => `[${c.marker}]`).join("")}`);
  const places = numbered([result, ...notes].flatMap((part) => part.citations));
  const quotes = [...places.values()].map((c) => `[${c.marker}] ${c.title}, ${where(c)}: “${c.quote}”`);
  return [result.answer, ...said, "", ...quotes].join("\n");
}

/** A button that copies what `text` gives. @param {string} name its word and sign @param {() => string} text */
function copier(name, text) {
  const word = make("span", {}, t(name));
  const button = make("button", { type: "button", className: "action" }, icon(name), word);
  button.onclick = async () => {
    const words = text();
    if (await copied(words)) {
      word.textContent = t("copied");
      setTimeout(() => (word.textContent = t(name)), 2000);
    } else shown(button, words);
  };
  return button;
}

/** Puts words on the clipboard. Browsers keep theirs to pages that come over https or from this machine. @param {string} words @returns {Promise<boolean>} whether it took them */
async function copied(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const field = make("textarea", { value: words, className: "hidden", readOnly: true });
    const before = document.activeElement;
    document.body.append(field);
    field.select();
    // Marked as outdated, and the only way that is left here.
    const done = document.execCommand("copy");
    field.remove();
    if (before instanceof HTMLElement) before.focus();
    return done;
  }
}

/** Shows words to be copied by hand. @param {HTMLElement} button that wanted to @param {string} words */
function shown(button, words) {
  const place = button.parentElement;
  place?.querySelector(".by-hand")?.remove();
  const field = make("textarea", { value: words, readOnly: true, rows: Math.min(8, words.split("\n").length) });
  const box = make("label", { className: "by-hand" }, t("copyByHand"), field);
  place?.append(box);
  field.select();
}

/** @param {string} receipt its id */
function rating(receipt) {
  const box = make("span", { className: "rating" });
  const rate = (/** @type {string} */ verdict) => {
    const button = make("button", { type: "button", className: "action", title: t(verdict) }, icon(verdict));
    button.setAttribute("aria-label", t(verdict));
    button.onclick = async () => {
      await post("feedback", { receipt, verdict });
      box.replaceChildren(make("span", { className: "quiet" }, t("thanks")));
    };
    return button;
  };
  box.append(rate("up"), rate("down"));
  return box;
}
