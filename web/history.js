// Earlier conversations: listed, opened again, exported, forgotten.

import { call } from "./api.js";
import { byId, make } from "./dom.js";
import { current, t } from "./i18n.js";
import { fill, frame } from "./turn.js";

/** @param {number} seconds since 1970 */
export const when = (seconds) => new Date(seconds * 1000).toLocaleString(current() === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });

/** Lists the conversations. */
export async function show() {
  const { conversations } = await call("conversations");
  const list = byId("conversations");
  list.replaceChildren(...conversations.map(row));
  if (!conversations.length) list.replaceChildren(make("li", { className: "quiet" }, t("noHistory")));
}

/** @param {any} conversation */
function row(conversation) {
  const { id, title, updated } = conversation;
  const name = make("div", { className: "name" }, make("a", { href: `#/conversation/${id}` }, title), make("div", { className: "quiet" }, when(updated)));
  const save = make("a", { href: `/api/v1/conversations/${id}/export`, download: "", className: "button" }, t("export"));
  save.setAttribute("aria-label", `${t("export")}: ${title}`);
  const forget = make("button", { type: "button" }, t("forget"));
  forget.setAttribute("aria-label", `${t("forget")}: ${title}`);
  // Nothing brings it back, so the first click asks.
  forget.onclick = async () => {
    if (forget.className !== "sure") {
      forget.className = "sure";
      forget.textContent = t("sure");
      return;
    }
    await call(`conversations/${id}`, { method: "DELETE" });
    await show();
  };
  forget.onblur = () => {
    forget.className = "";
    forget.textContent = t("forget");
  };
  return make("li", {}, name, save, forget);
}

/** Shows all turns of a conversation in `thread`. @param {HTMLElement} thread @param {string} id */
export async function reopen(thread, id) {
  const { turns } = await call(`conversations/${id}`);
  thread.replaceChildren(
    ...turns.map((/** @type {any} */ turn) => {
      const parts = frame(turn.question);
      fill(parts, turn.answer);
      return parts.turn;
    }),
  );
  thread.lastElementChild?.scrollIntoView({ block: "start" });
}

/** Shows a stored answer and under which conditions it was given. @param {HTMLElement} thread @param {string} id of its receipt */
export async function receipt(thread, id) {
  const stored = await call(`receipts/${id}`);
  const parts = frame(stored.request.question ?? stored.answer.question);
  fill(parts, { ...stored.answer, receipt: id });
  const model = stored.conditions.generator.split(" ")[0];
  parts.turn.append(make("p", { className: "quiet" }, t("storedAnswer", { when: when(stored.at), model, id })));
  thread.replaceChildren(parts.turn);
}
