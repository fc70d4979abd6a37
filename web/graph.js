// The graph: names and the passages that mention them, as a picture and as a list.

import { call } from "./api.js";
import { byId, make } from "./dom.js";
import { layout } from "./forces.js";
import { t } from "./i18n.js";
import { open } from "./reader.js";
import { where } from "./turn.js";

/** @typedef {{id: string, kind: "entity" | "passage", label: string, weight: number, document_id: string, title: string, span: [number, number], page: number | null, lines: [number, number] | null}} GraphNode */

const canvas = /** @type {HTMLCanvasElement} */ (byId("graph"));
const words = /** @type {HTMLInputElement} */ (byId("graph-words"));
const list = byId("graph-list");
/** Nodes that are drawn at first, on a small picture, and at most. */
const [FEW, SMALL, MANY] = [160, 60, 1000];
/** Whether the picture is as narrow as a phone. */
const narrow = () => (canvas.clientWidth || innerWidth) < 560;

/** What is drawn. */
let scene = {
  nodes: /** @type {GraphNode[]} */ ([]),
  lines: /** @type {[number, number, number][]} */ ([]),
  near: /** @type {Set<number>[]} */ ([]),
  at: layout(0, []),
};
/** Pixels of the picture: those of the layout times `scale`, moved; across, times `stretch` as well. */
const view = { scale: 1, stretch: 1, x: 0, y: 0, chosen: false };
let hovered = -1;
/** Counts drawings, so that an older one stops. */
let turn = 0;

/** Draws what the address asks for. @param {URLSearchParams} query `q` or `document`, with its `title` */
export async function show(query) {
  const own = ++turn;
  const document_id = query.get("document");
  const about = query.get("title") ?? query.get("q") ?? "";
  words.value = query.get("q") ?? "";
  byId("graph-box").hidden = !about;
  if (!about) {
    byId("graph-about").textContent = t("graphEmpty");
    return;
  }
  const around = document_id ? `document=${encodeURIComponent(document_id)}` : `q=${encodeURIComponent(about)}`;
  const limit = query.get("all") ? MANY : narrow() ? SMALL : FEW;
  const graph = await call(`graph?${around}&limit=${limit}`);
  if (own !== turn) return;
  const entities = graph.nodes.filter((/** @type {GraphNode} */ node) => node.kind === "entity").length;
  const count = t("graphAbout", { q: about, e: entities, p: graph.nodes.length - entities });
  if (graph.nodes.length) {
    byId("graph-about").replaceChildren(`${count}. `, ...(graph.truncated && limit < MANY ? [more(query), " "] : []), t(matchMedia("(pointer: coarse)").matches ? "graphHintTouch" : "graphHint"));
  } else byId("graph-about").textContent = t("noGraph", { q: about });
  byId("graph-box").hidden = !graph.nodes.length;
  set(graph);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const move = () => {
    if (own !== turn) return;
    // As many steps as a picture a sixtieth of a second allows, or all.
    const until = performance.now() + 10;
    let more = true;
    while (more && (still || performance.now() < until)) more = scene.at.step();
    if (!view.chosen) fit();
    draw();
    if (more) requestAnimationFrame(move);
  };
  move();
}

/** A link to a larger part of the same. @param {URLSearchParams} query */
function more(query) {
  const larger = new URLSearchParams(query);
  larger.set("all", "1");
  return make("a", { href: `#/graph?${larger}` }, t("graphMore"));
}

/** @param {{nodes: GraphNode[], edges: {from: string, to: string, weight: number}[]}} graph */
function set({ nodes, edges }) {
  const places = new Map(nodes.map((node, at) => [node.id, at]));
  const lines = edges.map(({ from, to, weight }) => /** @type {[number, number, number]} */ ([places.get(from) ?? 0, places.get(to) ?? 0, Math.min(0.3 + weight / 10, 1)]));
  const near = nodes.map(() => /** @type {Set<number>} */ (new Set()));
  for (const [a, b] of lines) {
    near[a].add(b);
    near[b].add(a);
  }
  const aspect = Math.min(2, Math.max(0.5, canvas.clientWidth / Math.max(canvas.clientHeight, 1)));
  scene = { nodes, lines, near, at: layout(nodes.length, lines, aspect) };
  view.chosen = false;
  hovered = -1;
  list.replaceChildren(...nodes.map(row));
}

/** @param {GraphNode} node @param {number} at */
function row(node, at) {
  const button = make("button", { type: "button", className: node.kind }, node.label);
  button.onclick = () => choose(at, button);
  button.onfocus = button.onmouseenter = () => point(at);
  const note = node.kind === "passage" ? `${node.title}, ${where(node)}` : t(scene.near[at].size === 1 ? "onePassage" : "passages", { n: scene.near[at].size });
  return make("li", {}, make("div", { className: "name" }, button, make("div", { className: "quiet" }, note)));
}

/** Opens a passage; draws what is around a name. @param {number} at @param {HTMLElement} from */
function choose(at, from) {
  const node = scene.nodes[at];
  if (node.kind === "passage") open(node, from);
  else location.hash = `#/graph?q=${encodeURIComponent(node.label)}`;
}

/** @param {number} at */
function point(at) {
  if (at === hovered) return;
  hovered = at;
  canvas.classList.toggle("pointing", at >= 0);
  draw();
}

/** Makes all of it fit into the picture. */
function fit() {
  const { x, y } = scene.at;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [left, right, top, bottom] = [Math.min(...x), Math.max(...x), Math.min(...y), Math.max(...y)];
  // Names need room on their right; where there is little, they stand on the left as well.
  const room = Math.min(220, width * 0.3);
  const [across, down] = [(width - room) / Math.max(right - left, 1), (height - 60) / Math.max(bottom - top, 1)];
  view.stretch = Math.min(Math.max(across / down, 0.7), 1.6);
  view.scale = Math.min(across / view.stretch, down, 2.5);
  view.x = (width - (narrow() ? 0 : 100)) / 2 - ((left + right) / 2) * view.scale * view.stretch;
  view.y = height / 2 - ((top + bottom) / 2) * view.scale;
}

/** @param {number} at */
const place = (at) => ({ x: scene.at.x[at] * view.scale * view.stretch + view.x, y: scene.at.y[at] * view.scale + view.y });
/** A name is as large as there are passages that it holds together. @param {number} at */
const radius = (at) => (scene.nodes[at].kind === "entity" ? Math.min(1.5 + 2.2 * Math.sqrt(scene.near[at].size), 15) : 2.5);

/** The colours of the page as a canvas understands them. @param {string[]} names @returns {Record<string, string>} */
function colours(names) {
  const probe = make("span");
  document.body.append(probe);
  const found = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}

function draw() {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
    canvas.width = width * ratio;
    canvas.height = height * ratio;
  }
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const palette = colours(["line", "accent", "quiet", "card", "ink"]);
  const colour = (/** @type {string} */ name) => palette[name];
  const lit = (/** @type {number} */ at) => hovered < 0 || at === hovered || scene.near[hovered].has(at);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.lineWidth = 1;
  pen.strokeStyle = colour("line");
  for (const [a, b] of scene.lines) {
    const touches = a === hovered || b === hovered;
    if (hovered >= 0) pen.strokeStyle = touches ? colour("accent") : colour("line");
    pen.globalAlpha = hovered >= 0 && !touches ? 0.3 : 1;
    const [from, to] = [place(a), place(b)];
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y);
    pen.stroke();
  }
  scene.nodes.forEach((node, at) => {
    const { x, y } = place(at);
    pen.globalAlpha = !lit(at) ? 0.2 : hovered >= 0 || node.kind === "passage" || scene.near[at].size > 1 ? 1 : 0.5;
    pen.fillStyle = node.kind === "entity" ? colour("accent") : colour("quiet");
    pen.beginPath();
    if (node.kind === "entity") pen.arc(x, y, radius(at), 0, 7);
    else pen.rect(x - 2.5, y - 2.5, 5, 5);
    pen.fill();
  });
  pen.globalAlpha = 1;
  label(pen, colour, lit);
}

/** Names, the weightiest first, where there is room. @param {CanvasRenderingContext2D} pen @param {(name: string) => string} colour @param {(at: number) => boolean} lit */
function label(pen, colour, lit) {
  const family = getComputedStyle(canvas).fontFamily;
  pen.textBaseline = "middle";
  /** @type {[number, number, number, number][]} */
  const taken = [];
  const order = scene.nodes.map((node, at) => at).filter((at) => lit(at) && (scene.nodes[at].kind === "entity" || hovered >= 0));
  // What is pointed at is named before all others, then what holds most together.
  const rank = (/** @type {number} */ at) => (at === hovered ? Infinity : scene.near[at].size);
  order.sort((a, b) => rank(b) - rank(a));
  for (const at of order) {
    const node = scene.nodes[at];
    const longest = narrow() ? 22 : 40;
    const name = node.label.length > longest ? `${node.label.slice(0, longest - 1)}…` : node.label;
    const { x, y } = place(at);
    const large = at === hovered || scene.near[at].size > 7;
    pen.font = `${large ? "600 14px" : "12px"} ${family}`;
    const size = pen.measureText(name).width;
    let left = x + radius(at) + 4;
    if (left + size > canvas.clientWidth && x < canvas.clientWidth) left = Math.max(0, x - radius(at) - 4 - size);
    const room = !taken.some(([l, t, r, b]) => left < r && left + size > l && y - 8 < b && y + 8 > t);
    if (!room || left > canvas.clientWidth || left + size < 0) continue;
    taken.push([left - 4, y - 9, left + size + 4, y + 9]);
    pen.strokeStyle = colour("card");
    pen.lineWidth = 3;
    pen.strokeText(name, left, y);
    pen.fillStyle = colour("ink");
    pen.fillText(name, left, y);
  }
}

/** The node under the pointer, or -1. @param {PointerEvent} event */
function under(event) {
  const reach = event.pointerType === "touch" ? 24 : 12;
  let [best, least] = [-1, reach * reach];
  scene.nodes.forEach((_, at) => {
    const { x, y } = place(at);
    const square = (x - event.offsetX) ** 2 + (y - event.offsetY) ** 2;
    if (square < least) [best, least] = [at, square];
  });
  return best;
}

/** Makes all larger or smaller around a place of the picture. @param {number} x @param {number} y @param {number} by */
function zoom(x, y, by) {
  view.x = x - (x - view.x) * by;
  view.y = y - (y - view.y) * by;
  view.scale *= by;
  view.chosen = true;
}

/** The pointers that are down, and where. @type {Map<number, {x: number, y: number}>} */
const down = new Map();
/** Whether they have moved since the first came down. */
let moved = false;

/** How far two pointers are from each other, and the place between them. */
function pinch() {
  const [a, b] = [...down.values()];
  return { far: Math.max(Math.hypot(a.x - b.x, a.y - b.y), 1), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

canvas.onpointerdown = (/** @type {PointerEvent} */ event) => {
  if (!down.size) moved = false;
  down.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  if (down.size > 1) moved = true;
  canvas.setPointerCapture(event.pointerId);
};
canvas.onpointermove = (/** @type {PointerEvent} */ event) => {
  const before = down.get(event.pointerId);
  if (!before) return point(under(event));
  const now = { x: event.offsetX, y: event.offsetY };
  if (down.size === 2) {
    const old = pinch();
    down.set(event.pointerId, now);
    const next = pinch();
    view.x += next.x - old.x;
    view.y += next.y - old.y;
    zoom(next.x, next.y, next.far / old.far);
  } else if (down.size === 1) {
    if (!moved && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    moved = true;
    down.set(event.pointerId, now);
    view.x += now.x - before.x;
    view.y += now.y - before.y;
    view.chosen = true;
  }
  draw();
};
canvas.onpointerup = (/** @type {PointerEvent} */ event) => {
  const at = down.delete(event.pointerId) && !down.size && !moved ? under(event) : -1;
  if (at >= 0) choose(at, canvas);
};
canvas.onpointercancel = (/** @type {PointerEvent} */ event) => down.delete(event.pointerId);
canvas.onpointerleave = () => !down.size && point(-1);
canvas.onwheel = (/** @type {WheelEvent} */ event) => {
  event.preventDefault();
  zoom(event.offsetX, event.offsetY, Math.exp(-event.deltaY / 400));
  draw();
};
addEventListener("resize", draw);
byId("graph-form").onsubmit = (event) => {
  event.preventDefault();
  if (words.value.trim()) location.hash = `#/graph?q=${encodeURIComponent(words.value.trim())}`;
};
