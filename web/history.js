// Earlier conversations: listed, opened again, exported, forgotten.

import { blob, call } from "./api.js";
import { byId, make } from "./dom.js";
import { current, t } from "./i18n.js";
import { icon } from "./icons.js";
import { fill, frame } from "./turn.js";

const locale = () => (current() === "zh" ? "zh-CN" : "en-GB");

/** @param {number} seconds since 1970 */
export const when = (seconds) => new Date(seconds * 1000).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });

/** The day of a time, for people. @param {number} seconds since 1970 */
function day(seconds) {
  const date = new Date(seconds * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days < 2) return t(days ? "yesterday" : "today");
  return date.toLocaleDateString(locale(), { dateStyle: "long" });
}

/** The conversations, the latest first. @returns {Promise<any[]>} */
export const list = async () => (await call("conversations")).conversations;

/** Lists the conversations by day. */
export async function show() {
  const conversations = await list();
  const place = byId("conversations");
  place.replaceChildren();
  if (!conversations.length) place.append(make("p", { className: "quiet" }, t("noHistory")));
  let last = "";
  let rows = make("ul");
  for (const conversation of conversations) {
    const name = day(conversation.updated);
    if (name !== last) {
      rows = make("ul", { className: "rows" });
      place.append(make("h3", {}, name), rows);
      last = name;
    }
    rows.append(row(conversation));
  }
}

/** @param {any} conversation */
function row(conversation) {
  const { id, title, updated } = conversation;
  const time = new Date(updated * 1000).toLocaleTimeString(locale(), { timeStyle: "short" });
  const name = make("div", { className: "name" }, make("a", { href: `#/conversation/${id}` }, title));
  const save = make("button", { type: "button", className: "action", title: t("export") }, icon("save"));
  save.setAttribute("aria-label", `${t("export")}: ${title}`);
  save.onclick = () => download(id);
  const forget = make("button", { type: "button", className: "action", title: t("forget") }, icon("remove"));
  forget.setAttribute("aria-label", `${t("forget")}: ${title}`);
  // Nothing brings it back, so the first click asks.
  forget.onclick = async () => {
    if (!forget.classList.contains("sure")) {
      forget.classList.add("sure");
      forget.replaceChildren(t("sure"));
      return;
    }
    await call(`conversations/${id}`, { method: "DELETE" });
    await show();
  };
  forget.onblur = () => {
    forget.classList.remove("sure");
    forget.replaceChildren(icon("remove"));
  };
  return make("li", {}, name, make("span", { className: "quiet" }, time), save, forget);
}

/** Saves a conversation as a Markdown file. @param {string} id */
async function download(id) {
  const address = URL.createObjectURL(await blob(`conversations/${id}/export`));
  make("a", { href: address, download: `conversation-${id}.md` }).click();
  URL.revokeObjectURL(address);
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
  parts.actions.before(make("p", { className: "note" }, t("storedAnswer", { when: when(stored.at), model, id })));
  thread.replaceChildren(parts.turn);
}
