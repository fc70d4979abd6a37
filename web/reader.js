// The document beside the answer, opened at the cited span.

import { blob, call } from "./api.js";
import { ByteText } from "./bytes.js";
import { byId, make } from "./dom.js";
import { glance } from "./glance.js";
import { t } from "./i18n.js";
import { inline, list, table } from "./markdown.js";

/** With the words that stood there when it was cited: `quote` of a citation, `text` of a passage. @typedef {{document_id: string, title: string, span: [number, number], page: number | null, quote?: string, text?: string}} Place */

/** The pages of a PDF, the words that are marked, and what is to be said first. @type {{content: any, page: number, span: [number, number], title: string, remark: HTMLElement[]} | null} */
let shown = null;
/** @type {HTMLElement | null} */
let opener = null;
/** Counts what was opened, so that an older one does not come last. */
let turns = 0;
/** The picture that is shown. */
let picture = "";

export const isOpen = () => !byId("reader").hidden;

/** @param {Place} place @param {HTMLElement} [from] what had the focus */
export async function open(place, from) {
  const own = ++turns;
  opener = from ?? null;
  shown = null;
  byId("reader").hidden = false;
  byId("reader-title").textContent = place.title;
  byId("pager").hidden = true;
  const body = byId("reader-body");
  byId("close").focus();
  body.replaceChildren();
  let content;
  try {
    // The browser keeps it; the server says whether it is still the same.
    content = await call(`documents/${place.document_id}/content`);
  } catch (error) {
    if (own === turns) failed(error);
    return;
  }
  if (own !== turns) return;
  const paged = content.format === "pdf" && place.page != null;
  byId("pager").hidden = !paged;
  body.classList.toggle("paged", paged);
  const words = place.quote ?? place.text;
  const span = place.span[1] > place.span[0] ? find(content.text, place.span, words) : place.span;
  const remark = span ? [] : [changed(words ?? "")];
  if (paged) {
    shown = { content, page: pageOf(content, place, span), span: span ?? [0, 0], title: place.title, remark };
    await leaf(0);
  } else {
    body.replaceChildren(...remark, ...render(content, span ?? [0, 0]));
    body.scrollTop = 0;
    body.querySelector("mark")?.scrollIntoView({ block: "center" });
  }
}

/** Where words stand that stood at `span`, now that the document may be another; undefined: nowhere. @param {string} text @param {[number, number]} span @param {string | undefined} words @returns {[number, number] | undefined} */
function find(text, [start, end], words) {
  const bytes = new ByteText(text);
  if (words === undefined) return end <= bytes.length ? [start, end] : undefined;
  if (!words || bytes.slice(start, end) === words) return [start, end];
  // Where they stand more than once, the place next to the old one is meant.
  const near = (/** @type {number} */ at) => Math.abs(at - start);
  let best = -1;
  for (const at of bytes.all(words)) if (best < 0 || near(at) < near(best)) best = at;
  return best < 0 ? undefined : [best, best + new ByteText(words).length];
}

/** Says that a document changed since it was cited, and what stood there. @param {string} words */
function changed(words) {
  return make("div", { className: "changed", role: "status" }, make("p", {}, t("changed")), ...(words ? [make("blockquote", {}, glance(words))] : []));
}

/** The page to begin with. @param {any} content @param {Place} place @param {[number, number] | undefined} span where the words stand now @returns {number} */
function pageOf(content, place, span) {
  const at = span && span[1] > span[0] && span[0] !== place.span[0] ? content.pages.find((/** @type {any} */ page) => page.span[0] <= span[0] && span[0] < page.span[1]) : undefined;
  return Math.min(at?.number ?? place.page ?? 1, content.pages.length);
}

/** @param {unknown} error */
function failed(error) {
  const why = error instanceof Error ? error.message : String(error);
  byId("reader-body").replaceChildren(make("p", { className: "error", role: "alert" }, t("gone", { why })));
}

export function close() {
  turns++;
  byId("reader").hidden = true;
  opener?.focus();
}

/** Turns pages. @param {number} by so many */
export async function leaf(by) {
  if (!shown) return;
  const own = ++turns;
  const { content, title, remark } = shown;
  const last = content.pages.length;
  const before = shown.page;
  shown.page = Math.min(Math.max(shown.page + by, 1), last);
  if (by && shown.page === before) return;
  const [start, end] = shown.span;
  const label = t("ofPages", { n: shown.page, all: last });
  byId("page-number").textContent = label;
  /** @type {HTMLButtonElement} */ (byId("previous")).disabled = shown.page === 1;
  /** @type {HTMLButtonElement} */ (byId("next")).disabled = shown.page === last;
  const { width, height } = content.pages[shown.page - 1];
  const image = make("img", { alt: `${title}, ${label}`, width: Math.round(width), height: Math.round(height) });
  const body = byId("reader-body");
  body.replaceChildren(...remark, image);
  body.scrollTop = 0;
  const page = shown.page;
  const { id, version } = content;
  try {
    const [drawn, { boxes }] = await Promise.all([
      blob(`documents/${id}/pages/${page}?width=1200&version=${version}${end > start ? `&span=${start}-${end}` : ""}`),
      end > start ? call(`documents/${id}/span?start=${start}&end=${end}`) : { boxes: [] },
    ]);
    if (own !== turns) return;
    URL.revokeObjectURL(picture);
    picture = URL.createObjectURL(drawn);
    image.src = picture;
    const box = boxes?.find((/** @type {any} */ part) => part.page === page);
    if (box) body.scrollTop = Math.max(0, box.top * image.offsetHeight - body.clientHeight / 3);
  } catch (error) {
    if (own === turns) failed(error);
  }
}

byId("previous").onclick = () => leaf(-1);
byId("next").onclick = () => leaf(1);
byId("close").onclick = close;

/** @param {any} content @param {[number, number]} span @returns {Node[]} */
function render(content, [start, end]) {
  const bytes = new ByteText(content.text);
  const markdown = content.format === "markdown";
  /** A part of the text and what of it is cited. @param {number} from @param {number} to @returns {import("./markdown.js").Cited} */
  const part = (from, to) => {
    const [a, b] = [Math.min(Math.max(from, start), to), Math.max(Math.min(to, end), from)];
    return { text: bytes.slice(from, to), from: bytes.slice(from, a).length, to: bytes.slice(from, b).length, markdown };
  };
  /** Where the words of a block begin: after the signs that make it a heading or a quotation. @param {string} text */
  const signs = (text) => (markdown ? (text.match(/^(#{1,6}\s+|(>\s?)+(\[![A-Z]+\]\s*(>\s?)*)?)/)?.[0].length ?? 0) : 0);
  return content.blocks.flatMap((/** @type {any} */ block) => {
    const cited = part(block.span[0], block.span[1]);
    // The front matter of a Markdown file is for programs.
    if (markdown && block.span[0] === 0 && cited.to === 0 && /^---\n[^]*\n---\s*$/.test(cited.text)) return [];
    const words = () => inline(cited, signs(cited.text));
    switch (block.kind) {
      case "heading":
        return make(/** @type {"h3"} */ (`h${Math.min(block.level + 1, 6)}`), {}, ...words());
      case "table":
        return table(cited);
      case "code": {
        const fence = markdown ? (cited.text.match(/^(`{3,}|~{3,}).*\n/)?.[0].length ?? 0) : 0;
        const close = fence ? (cited.text.match(/\n(`{3,}|~{3,})\s*$/)?.[0].length ?? 0) : 0;
        return make("pre", { tabIndex: 0 }, ...inline({ ...cited, markdown: false }, fence, cited.text.length - close));
      }
      case "list":
        return list(cited);
      case "quote":
        return make("blockquote", {}, ...words());
      default:
        return make("p", {}, ...words());
    }
  });
}
