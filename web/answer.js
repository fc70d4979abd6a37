// A question is asked, and its answer shown as it comes in.

import { Problem, ask } from "./api.js";
import { byId, make } from "./dom.js";
import { t } from "./i18n.js";
import { fill, frame, numbered, prose, say, source, understood } from "./turn.js";

/** Cards that hold the place of the sources until they are found. */
const PLACES = 4;

/**
 * Asks and shows what comes, in `thread`. Nothing on the page moves meanwhile: the
 * sources have their place from the start, and what stands below the answer comes last.
 * @param {HTMLElement} thread @param {string} question
 * @param {{conversation?: string, collections?: string[]}} within
 * @param {AbortSignal} signal @param {() => void} retry
 * @param {{everywhere?: () => void}} [more] what a refusal may offer
 */
export async function answer(thread, question, within, signal, retry, more) {
  const parts = frame(question);
  const { turn, text, actions, list } = parts;
  list.append(...Array.from({ length: PLACES }, () => make("li", { className: "place-holder", ariaHidden: "true" })));
  say(parts, "working", t("searching"));
  thread.append(turn);
  turn.scrollIntoView({ block: "start" });

  /** @type {Map<number, any>} */
  const citations = new Map();
  /** @type {any[]} */
  const sentences = [];
  const draft = make("span", { className: "draft", title: t("draft") });
  let own = make("div");
  let finished = false;
  /** What stands is shown first, then what is being written. */
  const show = () => {
    const now = prose(sentences, citations);
    if (sentences.length && draft.textContent) now.append(" ");
    now.append(draft);
    // Words of the documents give way to the answer in the same place, which does not shrink before the end.
    if (!own.classList.contains("own")) text.style.minHeight = `${text.offsetHeight}px`;
    own.replaceWith(now);
    own = now;
    own.classList.add("own");
  };
  text.append(own);
  const redo = () => {
    turn.remove();
    retry();
  };

  /** @param {string} event @param {any} data */
  const take = (event, data) => {
    if (event === "retrieval") {
      say(parts, "working", data.hits.length ? t("readingPassages", { n: Math.min(data.hits.length, 5) }) : t("searching"));
      list.replaceChildren(...data.hits.slice(0, 5).map(source));
      understood(parts, data.question);
    } else if (event === "extractive") {
      const words = quoted(data);
      own.replaceWith(words);
      own = words;
    } else if (event === "token") {
      if (!sentences.length && !draft.textContent) say(parts, "working", t("writing"));
      draft.textContent += data.text;
      show();
    } else if (event === "citation") {
      citations.set(data.marker, data);
    } else if (event === "verified") {
      sentences.push(data);
      draft.textContent = "";
      show();
    } else if (event === "error") {
      throw new Problem(data.status, data, "5");
    } else if (event === "done") {
      finished = true;
      fill(parts, data, { ...more, again: redo });
      text.style.minHeight = "";
      byId("announce").textContent = data.status === "not_found" ? t("refused") : data.answer;
    }
  };

  try {
    await ask({ question, ...within }, signal, take);
  } catch (error) {
    // A connection that breaks after the end takes nothing away.
    if (finished) return;
    draft.remove();
    list.querySelectorAll(".place-holder").forEach((place) => place.remove());
    parts.sources.hidden = !list.childElementCount;
    const again = make("button", { type: "button", className: "main" }, t("retry"));
    again.onclick = redo;
    actions.replaceChildren(again);
    if (signal.aborted) say(parts, "failed", t("stopped"));
    else if (error instanceof Problem && (error.status === 429 || error.status === 503)) {
      if (error.status === 429) stopgap(parts, { question, collections: within.collections, extractive: true }, signal);
      wait(parts, error, redo, signal);
    }
    else say(parts, "failed", t("failed", { why: error instanceof Error ? error.message : String(error) }));
    byId("announce").textContent = parts.status.textContent ?? "";
  }
}

/** What the documents say in their own words. @param {any} extractive */
const quoted = ({ sentences, citations }) =>
  make("div", { className: "quoted" }, make("span", { className: "label" }, t("quoted")), prose(sentences, numbered(citations)));

/** What the documents say, for those who wait for the model. @param {import("./turn.js").Parts} parts @param {{question: string, collections?: string[], extractive: boolean}} body @param {AbortSignal} signal */
async function stopgap({ text, list, sources }, body, signal) {
  const show = (/** @type {string} */ event, /** @type {any} */ data) => {
    if (event === "extractive") text.replaceChildren(quoted(data));
    if (event !== "retrieval") return;
    sources.hidden = false;
    list.replaceChildren(...data.hits.slice(0, 5).map(source));
  };
  // It is a help; where there is none, one waits without.
  await ask(body, signal, show).catch(() => {});
}

/** Asks again by itself when the server said when. @param {import("./turn.js").Parts} parts @param {Problem} problem @param {() => void} redo @param {AbortSignal} signal */
function wait(parts, problem, redo, signal) {
  let left = Math.min(problem.retryAfter || 5, 60);
  const tick = () => {
    // Whoever asks something else, or again, or goes away, does not wait any more.
    if (!parts.turn.isConnected || parts.turn.nextElementSibling || signal.aborted) return;
    if (left <= 0) return redo();
    say(parts, "working", t(problem.status === 429 ? "busy" : "notReady", { s: left }));
    left -= 1;
    setTimeout(tick, 1000);
  };
  tick();
}
