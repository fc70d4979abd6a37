// The keyboard: moving through answers and citations without a mouse.

import { byId } from "./dom.js";

/** The answers, or the citations of one. @param {ParentNode} within @param {string} what @returns {HTMLElement[]} */
const all = (within, what) => [...within.querySelectorAll(what)].filter((node) => node instanceof HTMLElement);

/** The one after (or before) that which has the focus. @param {HTMLElement[]} nodes @param {number} by */
function step(nodes, by) {
  const now = nodes.findIndex((node) => node.contains(document.activeElement));
  const next = now < 0 ? (by > 0 ? 0 : nodes.length - 1) : now + by;
  return nodes[Math.min(Math.max(next, 0), nodes.length - 1)];
}

/** @param {{ask: () => void, escape: () => void, leaf: (by: number) => void}} actions */
export function listen({ ask, escape, leaf }) {
  const help = /** @type {HTMLDialogElement} */ (byId("keys"));
  byId("keys-close").onclick = () => help.close();
  byId("help").onclick = () => help.showModal();
  document.addEventListener("keydown", (event) => {
    const within = event.target instanceof Element ? event.target : document.body;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return escape();
    if (within.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const turns = all(byId("thread"), ".turn");
    const here = turns.find((turn) => turn.contains(document.activeElement)) ?? turns.at(-1);
    const actions = /** @type {Record<string, () => void>} */ ({
      "/": ask,
      "?": () => help.showModal(),
      j: () => step(turns, 1)?.focus(),
      k: () => step(turns, -1)?.focus(),
      n: () => here && step(all(here, ".answer .cite"), 1)?.focus(),
      p: () => here && step(all(here, ".answer .cite"), -1)?.focus(),
      ArrowLeft: () => leaf(-1),
      ArrowRight: () => leaf(1),
    });
    if (Object.hasOwn(actions, event.key)) {
      // Arrows go on to move through what can be scrolled sideways.
      if (!event.key.startsWith("Arrow")) event.preventDefault();
      actions[event.key]();
    }
  });
}
