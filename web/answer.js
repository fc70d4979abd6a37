// A question is asked, and its answer shown as it comes in.

import { Problem, ask } from "./api.js";
import { byId, make } from "./dom.js";
import { t } from "./i18n.js";
import { fill, frame, mark, prose, source, understood } from "./turn.js";

/**
 * Asks and shows what comes, in `thread`.
 * @param {HTMLElement} thread @param {string} question @param {string | undefined} conversation its id
 * @param {AbortSignal} signal @param {() => void} retry
 */
export async function answer(thread, question, conversation, signal, retry) {
  const parts = frame(question);
  const { turn, text, footer, sources } = parts;
  const state = make("span", {}, t("searching"));
  const draft = make("p", { className: "draft", title: t("draft") });
  const quoted = make("div", { className: "quoted", hidden: true });
  let checked = make("p");
  footer.append(state);
  text.append(quoted);
  thread.append(turn);
  turn.scrollIntoView({ block: "start" });
  /** @type {Map<number, any>} */
  const citations = new Map();
  /** @type {any[]} */
  const sentences = [];

  try {
    await ask({ question, conversation }, signal, (event, data) => {
      if (event === "retrieval") {
        state.textContent = t("reading", { n: data.hits.length });
        sources.replaceChildren(...data.hits.slice(0, 5).map(source));
        understood(parts, data.question);
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
        if (!draft.isConnected) text.append(checked, draft);
        state.textContent = t("draft");
        draft.textContent += data.text;
      } else if (event === "citation") {
        citations.set(data.marker, data);
      } else if (event === "verified") {
        draft.textContent = "";
        sentences.push(data);
        const now = prose(sentences, citations);
        checked.replaceWith(now);
        checked = now;
      } else if (event === "error") {
        throw new Problem(data.status, data.detail, 5);
      } else if (event === "done") {
        fill(parts, data);
        byId("announce").textContent = data.status === "not_found" ? t("refused") : data.answer;
      }
    });
  } catch (error) {
    draft.remove();
    if (signal.aborted) state.textContent = t("stopped");
    else if (error instanceof Problem && error.status === 429) state.textContent = t("busy", { s: error.retryAfter || 5 });
    else state.textContent = t("failed", { why: error instanceof Error ? error.message : String(error) });
    state.className = "error";
    footer.append(make("button", { type: "button", onclick: retry }, t("retry")));
  }
}
