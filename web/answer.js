// One question and its answer, as it comes in.

import { Problem, ask, call } from "./api.js";
import { byId, make } from "./dom.js";
import { t } from "./i18n.js";
import { open } from "./reader.js";

/** Where something stands, for people. @param {any} place @returns {string} */
export function where(place) {
  if (place.page != null) return t("page", { n: place.page });
  if (!place.lines) return "";
  const [a, b] = place.lines;
  return a === b ? t("line", { a }) : t("lines", { a, b });
}

/** A passage at a glance: without the signs of tables and emphasis. @param {string} text */
const glance = (text) =>
  text
    .replace(/(^|\n)\s*\|(\s*:?-+:?\s*\|)+/g, "")
    .replace(/\s*\|\s*\n\s*\|\s*/g, "; ")
    .replace(/\s*\|\s*/g, " · ")
    .replace(/\*\*|`/g, "")
    .replace(/^( · )+|( · )+$/g, "");

/** @param {any} hit */
function source(hit) {
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

/** @param {any} citation */
function mark(citation) {
  const button = make("button", { type: "button", className: "cite" }, `${citation.marker}`);
  button.setAttribute("aria-label", `${citation.marker}: ${citation.title}, ${where(citation)}`);
  const quote = byId("quote");
  const show = () => {
    quote.replaceChildren(make("div", { className: "place" }, `${citation.title}, ${where(citation)}`), citation.quote);
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

/**
 * Asks and shows what comes, in `thread`.
 * @param {HTMLElement} thread @param {string} question @param {string | undefined} conversation its id
 * @param {AbortSignal} signal @param {() => void} retry
 */
export async function answer(thread, question, conversation, signal, retry) {
  const state = make("span", {}, t("searching"));
  const footer = make("div", { className: "state" }, state);
  const text = make("div", { className: "answer" });
  const draft = make("p", { className: "draft", title: t("draft") });
  const sources = make("ul", { className: "sources" });
  const turn = make("article", { className: "turn" }, make("h2", {}, question), text, footer, sources);
  const quoted = make("div", { className: "quoted", hidden: true });
  text.append(quoted);
  thread.append(turn);
  turn.scrollIntoView({ block: "start" });
  /** @type {Map<number, any>} */
  const citations = new Map();
  const paragraph = make("p");

  /** @param {any} sentence */
  const add = (sentence) => {
    if (sentence.verdict !== "supported") return;
    if (paragraph.childNodes.length) paragraph.append(/^[\u3400-\u9fff]/u.test(sentence.text) ? "" : " ");
    paragraph.append(sentence.text, ...sentence.citations.map((/** @type {number} */ n) => mark(citations.get(n))));
  };

  try {
    await ask({ question, conversation }, signal, (event, data) => {
      if (event === "retrieval") {
        state.textContent = t("reading", { n: data.hits.length });
        sources.replaceChildren(...data.hits.slice(0, 5).map(source));
        understood(data.question);
      } else if (event === "extractive") {
        const places = new Map(data.citations.map((/** @type {any} */ citation) => [citation.marker, citation]));
        const marks = data.sentences.flatMap((/** @type {any} */ sentence) => [
          sentence.text,
          ...sentence.citations.map((/** @type {number} */ n) => mark(places.get(n))),
          " ",
        ]);
        quoted.replaceChildren(make("span", { className: "label" }, t("quoted")), ...marks);
        quoted.hidden = false;
      } else if (event === "token") {
        if (!draft.isConnected) text.append(paragraph, draft);
        state.textContent = t("draft");
        draft.textContent += data.text;
      } else if (event === "citation") {
        citations.set(data.marker, data);
      } else if (event === "verified") {
        draft.textContent = "";
        add(data);
      } else if (event === "error") {
        throw new Problem(data.status, data.detail, 5);
      } else if (event === "done") {
        finish(data);
      }
    });
  } catch (error) {
    draft.remove();
    const again = make("button", { type: "button", onclick: retry }, t("retry"));
    if (signal.aborted) state.textContent = t("stopped");
    else if (error instanceof Problem && error.status === 429) state.textContent = t("busy", { s: error.retryAfter || 5 });
    else state.textContent = t("failed", { why: error instanceof Error ? error.message : String(error) });
    state.className = "error";
    footer.append(again);
  }

  /** Says how a follow-up was understood. @param {string} meant */
  function understood(meant) {
    if (meant === question || turn.querySelector(".understood")) return;
    text.before(make("p", { className: "understood" }, t("understood", { q: meant })));
  }

  /** @param {any} result */
  function finish(result) {
    understood(result.question);
    text.replaceChildren(paragraph);
    paragraph.replaceChildren();
    for (const citation of result.citations) citations.set(citation.marker, citation);
    result.sentences.forEach(add);
    const refused = result.status === "not_found";
    const verdict = make("span", { className: refused ? "badge refused" : "badge" }, refused ? "" : t(result.status));
    if (refused) paragraph.replaceChildren(make("strong", {}, t("refused")), make("br"), t("refusedHelp"));
    sources.replaceChildren(...(refused ? result.closest : result.passages).slice(0, 5).map(source));
    const copy = make("button", { type: "button" }, t("copy"));
    copy.onclick = async () => {
      const notes = result.citations.map((/** @type {any} */ c) => `[${c.marker}] ${c.title}, ${where(c)}: “${c.quote}”`);
      await navigator.clipboard.writeText([result.answer, "", ...notes].join("\n"));
      copy.textContent = t("copied");
    };
    const rate = (/** @type {string} */ verdict, /** @type {string} */ sign) => {
      const button = make("button", { type: "button", title: t(verdict) }, sign);
      button.setAttribute("aria-label", t(verdict));
      button.onclick = async () => {
        await call("feedback", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ receipt: result.receipt, verdict }),
        });
        button.parentElement?.replaceChildren(t("thanks"));
      };
      return button;
    };
    const rating = result.receipt ? [make("span", { className: "rating" }, rate("up", "▲"), rate("down", "▼"))] : [];
    const { total } = result.timings_ms;
    const { prompt, cached } = result.tokens;
    const cost = prompt ? [make("span", {}, t("seconds", { s: (total / 1000).toFixed(1), n: prompt, k: cached }))] : [];
    footer.replaceChildren(verdict, ...cost, ...(refused ? [] : [copy]), ...rating);
    sources.after(why(refused ? result.closest : result.passages));
    byId("announce").textContent = refused ? t("refused") : result.answer;
  }
}
