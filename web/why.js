// Why these sources: what each search said, how the graph led there, and what was left out.

import { make } from "./dom.js";
import { glance } from "./glance.js";
import { t } from "./i18n.js";
import { mark, numbered, trail, where } from "./turn.js";

/** @param {any} place in a search */
const rank = (place) => (place ? `${place.rank}` : "–");

/** How the graph led to a passage. @param {any} path @returns {string} */
function step(path) {
  if (!path) return "";
  const from = [path.from_title, path.from_heading.at(-1)].filter((part, at, all) => part && all.indexOf(part) === at).join(" › ");
  return t(`by_${path.by}`, { name: path.entity ?? "", from });
}

/** A word of the question, for the stem that the index knows it by. @param {string} stem @param {string} question @returns {string} */
function whole(stem, question) {
  if (!/^[a-z]{3,}$/.test(stem)) return stem;
  return question.match(new RegExp(`\\b${stem.slice(0, -1)}[a-z]*`, "i"))?.[0].toLowerCase() ?? stem;
}

/** @param {any} hit @param {string} fate what became of it @param {string} question */
function row(hit, fate, question) {
  const { dense, across, lexical, graph, rerank, path } = hit.sources;
  const place = make("td", {}, make("strong", {}, hit.title), make("div", {}, [where(hit), trail(hit)].filter(Boolean).join(" · ")));
  const way = step(path);
  if (way) place.append(make("div", { className: "way" }, way));
  if (across) place.append(make("div", { className: "way" }, t("across", { n: across.rank })));
  const ranks = [dense, lexical, graph, rerank].map((found) => make("td", { className: "number" }, rank(found)));
  return make("tr", {}, place, ...ranks, make("td", {}, hit.matched.map((/** @type {string} */ stem) => whole(stem, question)).join(", ")), make("td", {}, fate));
}

/** @param {any} result an answer @returns {HTMLElement | undefined} nothing where nothing was found */
export function why(result) {
  const hits = result.passages.length ? result.passages : result.closest;
  const dropped = result.dropped ?? [];
  if (!hits.length && !dropped.length) return undefined;
  const read = result.tokens.prompt || result.passages.length ? t("wasRead") : t("notRead");
  const head = ["passage", "meaning", "words", "graph", "second", "matched", "fate"];
  const heading = make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, t(name))));
  const rows = [
    ...hits.map((/** @type {any} */ hit) => row(hit, read, result.question)),
    ...dropped.map((/** @type {any} */ hit) => row(hit, t(`why_${hit.why}`), result.question)),
  ];
  const table = make("table", {}, make("thead", {}, heading), make("tbody", {}, ...rows));
  /** @type {HTMLElement[]} */
  const parts = [make("p", {}, t("whyHelp")), make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: t("why") }, table)];

  const left = result.sentences.filter((/** @type {any} */ sentence) => sentence.verdict === "unsupported");
  if (left.length) {
    const items = left.map((/** @type {any} */ sentence) => make("li", {}, make("s", {}, sentence.text), ` ${t("support", { n: Math.round(sentence.support * 100) })}`));
    parts.push(make("h3", {}, t("leftOut")), make("ul", {}, ...items));
  }
  if (result.extractive && result.status !== "not_found") {
    const places = numbered(result.extractive.citations);
    const quotes = result.extractive.sentences.map((/** @type {any} */ sentence) =>
      make("li", {}, glance(sentence.text), ...sentence.citations.map((/** @type {number} */ n) => mark(places.get(n)))),
    );
    parts.push(make("h3", {}, t("quoted")), make("ul", {}, ...quotes));
  }
  const { prompt, cached, generated } = result.tokens;
  const seconds = (result.timings_ms.total / 1000).toFixed(1);
  if (prompt) parts.push(make("p", {}, t("cost", { s: seconds, n: prompt, k: cached, g: generated })));
  const details = make("details", { className: "why" }, make("summary", {}, t("why")));
  // Built when it is looked at.
  details.ontoggle = () => {
    if (details.open && details.childElementCount === 1) details.append(make("div", {}, ...parts));
  };
  return details;
}
