// The library: what is there, searching in it, adding, removing.

import { call, post } from "./api.js";
import { byId, make } from "./dom.js";
import { t, told } from "./i18n.js";
import { icon } from "./icons.js";
import { followJobs, offer, send } from "./jobs.js";
import { open } from "./reader.js";
import { source } from "./turn.js";

const words = /** @type {HTMLInputElement} */ (byId("filter"));
/** The collection that is shown; empty: all. */
let shelf = "";
/** What is wrong with the documents that are shown; empty: all documents. */
let remark = "";
/** How many documents are shown; more on demand. */
const STEP = 100;
let most = STEP;
/** How many the server lists at a time. */
const PART = 1000;
/** The bytes that the server takes at once. */
let atOnce = Infinity;
/** Counts drawings, so that an older one does not come last. */
let turn = 0;

/** @param {URLSearchParams} query with `q`, the words to look for in the documents */
export async function show(query) {
  const asked = query.get("q") ?? "";
  words.value = asked;
  await draw();
  await within(asked);
  await followJobs(draw);
}

/** Shows what is there now. */
async function draw() {
  const own = ++turn;
  const filter = byId("found").hidden ? words.value : "";
  const where = `${shelf ? `&collection=${encodeURIComponent(shelf)}` : ""}&q=${encodeURIComponent(filter)}`;
  const parts = Array.from({ length: Math.ceil(most / PART) }, (_, at) => call(`documents?limit=${PART}&offset=${at * PART}${where}`));
  const [status, ...lists] = await Promise.all([call("status"), ...parts]);
  if (own !== turn) return;
  atOnce = status.limits.upload_bytes;
  const documents = lists.flatMap((list) => list.documents);
  const rest = Math.max(0, lists[0].total - documents.length);
  const pending = status.pending ? ` · ${t("pending", { n: status.pending })}` : "";
  byId("counts").textContent = status.documents ? t("counts", { d: status.documents, p: status.passages }) + pending : "";
  const mayWrite = status.scopes.includes("write");
  byId("drop").hidden = !mayWrite;
  byId("drop").classList.toggle("large", !status.documents);
  byId("filter-form").hidden = !status.documents && !status.failures.length;
  byId("shelves").replaceChildren(...shelves(status, status.scopes.includes("admin")));
  byId("health").replaceChildren(...remarks(documents));
  const shown = documents.filter((/** @type {any} */ info) => !remark || info.health.includes(remark));
  const rows = shown.slice(0, most).map((/** @type {any} */ info) => row(info, mayWrite));
  const more = Math.max(0, shown.length - most) + rest;
  if (more) rows.push(make("li", {}, button(t("showMore", { n: more }), () => (most = shown.length > most ? most + STEP : documents.length + STEP))));
  if (!shown.length && words.value && byId("found").hidden) rows.push(make("li", { className: "quiet" }, t("nothingNamed")));
  byId("documents").replaceChildren(...rows);
}

/** A button that changes what is shown. @param {string} label @param {() => void} change */
function button(label, change) {
  const made = make("button", { type: "button" }, label);
  made.onclick = () => {
    change();
    draw();
  };
  return made;
}

/** A button that is pressed or not. @param {string} label @param {boolean} pressed @param {() => void} change */
function chip(label, pressed, change) {
  const made = button(label, change);
  made.setAttribute("aria-pressed", String(pressed));
  return made;
}

/** The collections, where there are several, or may be made. @param {any} status @param {boolean} mayMake */
function shelves(status, mayMake) {
  const { collections } = status;
  if (!collections.some((/** @type {any} */ { name }) => name === shelf)) shelf = "";
  const chips = collections.map((/** @type {any} */ { name, documents }) =>
    chip(`${name} ${documents}`, name === shelf, () => (shelf = name === shelf ? "" : name)),
  );
  const all = collections.length > 1 ? [chip(t("everything"), !shelf, () => (shelf = ""))] : [];
  const nodes = collections.length > 1 || shelf ? [...all, ...chips] : [];
  if (mayMake && status.documents) nodes.push(maker());
  if (mayMake && shelf && shelf !== "default") nodes.push(dissolver(shelf));
  return nodes;
}

/** Makes a collection. */
function maker() {
  const open = make("button", { type: "button", className: "plain" }, `+ ${t("newShelf")}`);
  open.onclick = () => {
    const field = make("input", { type: "text", maxLength: 64, ariaLabel: t("newShelf"), placeholder: t("newShelfName") });
    const form = make("form", { className: "inline" }, field, make("button", { type: "submit" }, t("make")));
    form.onsubmit = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const name = field.value.trim();
      try {
        await post("collections", { name });
        shelf = name;
        await draw();
      } catch (error) {
        field.setCustomValidity(error instanceof Error ? error.message : String(error));
        field.reportValidity();
        field.oninput = () => field.setCustomValidity("");
      }
    };
    open.replaceWith(form);
    field.focus();
  };
  return open;
}

/** Removes a collection with its documents; the first click asks. @param {string} name */
function dissolver(name) {
  const made = make("button", { type: "button", className: "plain" }, t("removeShelf"));
  made.onclick = async () => {
    if (!made.classList.contains("sure")) {
      made.classList.add("sure");
      made.textContent = t("sureShelf", { name });
      return;
    }
    await call(`collections/${encodeURIComponent(name)}`, { method: "DELETE" });
    shelf = "";
    await draw();
  };
  return made;
}

/** What is wrong in the library, to look at alone. @param {any[]} documents */
function remarks(documents) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const name of documents.flatMap((info) => info.health)) counts.set(name, (counts.get(name) ?? 0) + 1);
  if (!counts.has(remark)) remark = "";
  return [...counts].map(([name, n]) => chip(t(`health_${name}`, { n }), name === remark, () => (remark = name === remark ? "" : name)));
}

/** @param {any} info @param {boolean} mayWrite */
function row(info, mayWrite) {
  const name = info.path.split("/").pop();
  const title = make("button", { type: "button" }, info.title || name);
  const place = { document_id: info.id, title: info.title || name, span: /** @type {[number, number]} */ ([0, 0]), page: info.format === "pdf" || name.endsWith(".pdf") ? 1 : null };
  title.onclick = () => open(place, title);
  const failed = info.state === "failed";
  const facts = [name, ...(shelf ? [] : [info.collection]), ...(failed ? [] : [t(info.chunks === 1 ? "onePassage" : "passages", { n: info.chunks })]), size(info.bytes)];
  const text = make("div", { className: "name" }, title, make("div", { className: "quiet" }, facts.join(" · ")));
  if (failed) text.append(make("div", { className: "error" }, info.message ? told("failure", info.reason, info.message) : t("failedFile")));
  // The first words of `health` are those of the warnings.
  info.warnings.forEach((/** @type {string} */ warning, /** @type {number} */ at) => text.append(make("div", { className: "warning" }, told("remark", info.health[at], warning))));
  if (info.duplicate_of) text.append(make("div", { className: "warning" }, t("sameAs", { name: info.duplicate_of.split("/").pop() })));
  const format = info.format ?? name.split(".").pop();
  const kind = make("span", { className: "kind" }, ({ markdown: "md", text: "txt" }[/** @type {string} */ (format)] ?? format).slice(0, 4));
  kind.ariaHidden = "true";
  const graph = make("a", { className: "action", href: `#/graph?document=${info.id}&title=${encodeURIComponent(info.title || name)}`, title: t("graphView") }, icon("graph"));
  graph.setAttribute("aria-label", `${t("graphView")}: ${name}`);
  return make("li", {}, kind, text, ...(info.chunks ? [graph] : []), ...(mayWrite ? [remover(info, name)] : []));
}

/** @param {number} bytes */
const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** @param {any} info @param {string} name */
function remover(info, name) {
  const remove = make("button", { type: "button", className: "action", title: t("remove") }, icon("remove"));
  remove.setAttribute("aria-label", `${t("remove")}: ${name}`);
  remove.onclick = async () => {
    const { undo, file_stays } = await call(`documents/${info.id}`, { method: "DELETE" });
    await draw();
    offer(t(file_stays ? "removedStays" : "removed", { name }), [undo], draw).focus();
  };
  return remove;
}

/** Shows the passages that say something about `asked`. @param {string} asked */
async function within(asked) {
  const found = byId("found");
  found.hidden = !asked.trim();
  if (found.hidden) return;
  const { hits } = await post("search", { query: asked, k: 8, collections: shelf ? [shelf] : [] });
  found.replaceChildren(...hits.map(source));
  if (!hits.length) found.append(make("li", { className: "quiet" }, t("nothingFound")));
  await draw();
}

const drop = byId("drop");
/** Chosen files come through the input, dropped ones from anywhere on the page. @param {FormData[]} forms @param {number} left out */
const take = (forms, left) => send(forms, left, draw);

/** Where files of a dropped folder lie in it: files of the same name are different ones. @type {WeakMap<File, string>} */
const places = new WeakMap();

/** Files of one upload; the server takes a thousand, and each has its own progress. */
const LOT = 50;
const READABLE = /\.(pdf|md|markdown|html?|xhtml|txt|text|rst|csv)$/i;

/** Room for what a form says about each file. */
const HEAD = 1000;

/** @param {File[]} files */
function pack(files) {
  const good = files.filter((file) => READABLE.test(file.name));
  /** @type {File[][]} */
  const lots = [];
  let size = 0;
  for (const file of good) {
    size += file.size + HEAD;
    const lot = lots[lots.length - 1];
    if (lot && lot.length < LOT && size <= atOnce) {
      lot.push(file);
    } else {
      lots.push([file]);
      size = file.size + HEAD;
    }
  }
  const forms = lots.map((lot) => {
    const form = new FormData();
    if (shelf) form.append("collection", shelf);
    for (const file of lot) form.append("file", file, places.get(file) ?? file.name);
    return form;
  });
  return take(forms, files.length - good.length);
}

/** All files of what was dropped, folders included. @param {DataTransferItemList} items @returns {Promise<File[]>} */
async function unfold(items) {
  /** @param {any} entry @returns {Promise<File[]>} */
  const walk = async (entry) => {
    if (entry.isFile) {
      /** @type {File} */
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      places.set(file, entry.fullPath.replace(/^\/+/, ""));
      return [file];
    }
    const reader = entry.createReader();
    const all = [];
    for (;;) {
      /** @type {any[]} */
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return all.flat();
      all.push(...(await Promise.all(some.map(walk))));
    }
  };
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  return (await Promise.all(entries.map(walk))).flat();
}

const view = byId("library-view");
view.ondragover = (/** @type {DragEvent} */ event) => {
  event.preventDefault();
  drop.classList.add("over");
};
view.ondragleave = (/** @type {DragEvent} */ event) => {
  if (!(event.relatedTarget instanceof Node && view.contains(event.relatedTarget))) drop.classList.remove("over");
};
view.ondrop = async (/** @type {DragEvent} */ event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer) pack(await unfold(event.dataTransfer.items));
};
const chooser = /** @type {HTMLInputElement} */ (byId("files"));
chooser.onchange = () => {
  if (chooser.files?.length) pack([...chooser.files]);
  chooser.value = "";
};
words.oninput = () => {
  byId("found").hidden = true;
  draw();
};
byId("filter-form").onsubmit = (event) => {
  event.preventDefault();
  const asked = words.value.trim();
  const address = `#/library${asked ? `?q=${encodeURIComponent(asked)}` : ""}`;
  if (location.hash === address) within(asked);
  else location.hash = address;
};
