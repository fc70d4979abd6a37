// The document beside the answer, opened at the cited span.

import { call } from "./api.js";
import { ByteText, cells } from "./bytes.js";
import { byId, make } from "./dom.js";
import { t } from "./i18n.js";

/** @typedef {{document_id: string, title: string, span: [number, number], page: number | null}} Place */

/** @type {Map<string, any>} */
const contents = new Map();
/** @type {{id: string, page: number, last: number, place: Place} | null} */
let shown = null;
/** @type {HTMLElement | null} */
let opener = null;

/** @param {Place} place @param {HTMLElement} [from] what had the focus */
export async function open(place, from) {
  opener = from ?? null;
  byId("reader").hidden = false;
  byId("reader-title").textContent = place.title;
  const body = byId("reader-body");
  byId("close").focus();
  if (!contents.has(place.document_id)) {
    body.replaceChildren();
    byId("pager").hidden = true;
    try {
      contents.set(place.document_id, await call(`documents/${place.document_id}/content`));
    } catch (error) {
      body.replaceChildren(make("p", { className: "error", role: "alert" }, t("gone", { why: error instanceof Error ? error.message : String(error) })));
      return;
    }
  }
  const content = contents.get(place.document_id);
  const paged = content.format === "pdf" && place.page != null;
  byId("pager").hidden = !paged;
  if (paged) {
    shown = { id: place.document_id, page: place.page ?? 1, last: content.pages.length, place };
    turn(0);
  } else {
    shown = null;
    body.replaceChildren(...render(content, place.span));
    body.querySelector("mark")?.scrollIntoView({ block: "center" });
  }
}

export function close() {
  byId("reader").hidden = true;
  opener?.focus();
}

/** @param {number} by pages */
function turn(by) {
  if (!shown) return;
  shown.page = Math.min(Math.max(shown.page + by, 1), shown.last);
  const [start, end] = shown.place.span;
  const source = `/api/v1/documents/${shown.id}/pages/${shown.page}?width=1100&span=${start}-${end}`;
  const label = t("ofPages", { n: shown.page, all: shown.last });
  byId("page-number").textContent = label;
  byId("reader-body").replaceChildren(make("img", { src: source, alt: `${shown.place.title}, ${label}` }));
}

byId("previous").onclick = () => turn(-1);
byId("next").onclick = () => turn(1);
byId("close").onclick = close;

/** @param {any} content @param {[number, number]} span @returns {Node[]} */
function render(content, [start, end]) {
  const text = new ByteText(content.text);
  /** The text of a span with the cited part marked. @param {number} from @param {number} to */
  const marked = (from, to) => {
    const [a, b] = [Math.max(from, start), Math.min(to, end)];
    if (a >= b) return [text.slice(from, to)];
    return [text.slice(from, a), make("mark", {}, text.slice(a, b)), text.slice(b, to)];
  };
  /** Where the words of a block begin: after the signs that make it a heading, a quotation or an item. @param {number} from @param {number} to */
  const words = (from, to) => {
    if (content.format !== "markdown") return from;
    const signs = text.slice(from, to).match(/^(#{1,6}\s+|(>\s?)+(\[![A-Z]+\]\s*(>\s?)*)?)/)?.[0] ?? "";
    return from + signs.length;
  };
  return content.blocks.flatMap((/** @type {any} */ block) => {
    const [from, to] = block.span;
    // The front matter of a Markdown file is for programs.
    if (content.format === "markdown" && from === 0 && end <= from && /^---\n[^]*\n---\s*$/.test(text.slice(from, to))) return [];
    switch (block.kind) {
      case "heading":
        return make(/** @type {"h3"} */ (`h${Math.min(block.level + 1, 6)}`), {}, ...marked(words(from, to), to));
      case "table":
        return table(text, from, to, start, end);
      case "code":
        return make("pre", {}, ...marked(from, to));
      case "list":
        return make("div", { className: "list" }, ...marked(from, to));
      default:
        return make("p", {}, ...marked(words(from, to), to));
    }
  });
}

/** @param {ByteText} text @param {number} from @param {number} to @param {number} start @param {number} end */
function table(text, from, to, start, end) {
  const body = make("tbody");
  let at = from;
  for (const line of text.slice(from, to).split("\n")) {
    const next = at + new TextEncoder().encode(line).length + 1;
    if (!/^[\s|:-]*$/.test(line)) {
      const cited = at < end && next - 1 > start;
      const kind = body.childElementCount ? "td" : "th";
      body.append(make("tr", {}, ...cells(line).map((cell) => make(kind, {}, cited ? make("mark", {}, cell) : cell))));
    }
    at = next;
  }
  return make("table", {}, body);
}
