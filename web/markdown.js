// Parts of a text as nodes, with the cited part marked: bold, code, links and
// lists of Markdown without their signs. Offsets are of UTF-16, as in strings.

import { make } from "./dom.js";

/** A text and which part of it is cited. @typedef {{text: string, from: number, to: number, markdown: boolean}} Cited */

const INLINE =
  /(?<code>`+)(?<codeText>.+?)\k<code>|(?<strong>\*\*|__)(?=\S)(?<strongText>.+?)(?<=\S)\k<strong>|(?<![\p{L}\p{N}*_])(?<em>[*_])(?=\S)(?<emText>[^*_\n]+?)(?<=\S)\k<em>(?![\p{L}\p{N}*_])|!?\[(?<linkText>[^\]]*)\]\([^)\s]+[^)]*\)|(?<br><br\s*\/?>)|\\(?<plain>[\\`*_{}[\]()#+\-.!|>~])/gu;

/** A part without signs, marked where it is cited. @param {Cited} cited @param {number} start @param {number} end @returns {Node[]} */
function piece({ text, from, to }, start, end) {
  const [a, b] = [Math.min(Math.max(from, start), end), Math.max(Math.min(to, end), start)];
  if (a >= b) return start < end ? [new Text(text.slice(start, end))] : [];
  return [new Text(text.slice(start, a)), make("mark", {}, text.slice(a, b)), new Text(text.slice(b, end))].filter((node) => node.textContent);
}

/** @param {Cited} cited @param {number} [start] @param {number} [end] @returns {Node[]} */
export function inline(cited, start = 0, end = cited.text.length) {
  if (!cited.markdown) return piece(cited, start, end);
  const nodes = [];
  let at = start;
  for (const match of cited.text.slice(start, end).matchAll(INLINE)) {
    const begin = start + match.index;
    const groups = match.groups ?? {};
    nodes.push(...piece(cited, at, begin));
    at = begin + match[0].length;
    /** The nodes of what the signs enclose. @param {string} inner @param {boolean} deep */
    const within = (inner, deep) => {
      const first = begin + match[0].indexOf(inner);
      return deep ? inline(cited, first, first + inner.length) : piece(cited, first, first + inner.length);
    };
    if (groups.codeText) nodes.push(make("code", {}, ...within(groups.codeText, false)));
    else if (groups.strongText) nodes.push(make("strong", {}, ...within(groups.strongText, true)));
    else if (groups.emText) nodes.push(make("em", {}, ...within(groups.emText, true)));
    else if (groups.br) nodes.push(make("br"));
    else if (groups.plain) nodes.push(...piece(cited, at - 1, at));
    else if (groups.linkText) nodes.push(make("span", { className: "link" }, ...within(groups.linkText, true)));
  }
  return [...nodes, ...piece(cited, at, end)];
}

/** The lines of a text with their offsets. @param {string} text @returns {{start: number, end: number}[]} */
function lines(text) {
  let at = 0;
  return text.split("\n").map((line) => {
    const start = at;
    at += line.length + 1;
    return { start, end: start + line.length };
  });
}

/** A list, indented as it is written. @param {Cited} cited @returns {HTMLElement} */
export function list(cited) {
  const box = make("ul", { className: "items" });
  for (const { start, end } of lines(cited.text)) {
    const line = cited.text.slice(start, end);
    const head = line.match(/^(?<space>\s*)(?<sign>[-*+•]|\d+[.)])?\s*/);
    if (!line.trim()) continue;
    const { space = "", sign } = head?.groups ?? {};
    const words = inline(cited, start + (head?.[0].length ?? 0), end);
    const last = box.lastElementChild;
    // A line without a sign of its own goes on with the item before.
    if (!sign && last) last.append(" ", ...words);
    else {
      const item = make("li", {}, ...words);
      item.dataset.sign = sign && /\d/.test(sign) ? sign : "•";
      item.dataset.depth = String(Math.min(3, Math.floor(space.length / 2)));
      box.append(item);
    }
  }
  return box;
}

/** The cells of a table row, with their offsets. @param {string} row @param {number} at where it begins @returns {{start: number, end: number}[]} */
function cells(row, at) {
  const inner = row.replace(/^\s*\|/, (sign) => " ".repeat(sign.length)).replace(/\|\s*$/, "");
  let start = at;
  return inner.split(/(?<!\\)\|/).map((cell) => {
    const begin = start + (cell.length - cell.trimStart().length);
    start += cell.length + 1;
    return { start: begin, end: begin + cell.trim().length };
  });
}

/** @param {Cited} cited @returns {HTMLElement} */
export function table(cited) {
  const head = make("thead");
  const body = make("tbody");
  for (const { start, end } of lines(cited.text)) {
    const line = cited.text.slice(start, end);
    if (/^[\s|:-]*$/.test(line)) continue;
    const kind = head.childElementCount ? "td" : "th";
    const row = make("tr", {}, ...cells(line, start).map((cell) => make(kind, {}, ...inline(cited, cell.start, cell.end))));
    (kind === "th" ? head : body).append(row);
  }
  return make("div", { className: "scroll" }, make("table", {}, head, body));
}
