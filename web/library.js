// The library: what is there, adding, removing.

import { call } from "./api.js";
import { byId, make } from "./dom.js";
import { t } from "./i18n.js";
import { open } from "./reader.js";

/** Which documents are shown. @type {"healthAll" | "healthFailed" | "healthWarned"} */
let kind = "healthAll";

export async function show() {
  const filter = /** @type {HTMLInputElement} */ (byId("filter")).value;
  const [status, list] = await Promise.all([call("status"), call(`documents?limit=1000&q=${encodeURIComponent(filter)}`)]);
  const pending = status.pending ? ` · ${t("pending", { n: status.pending })}` : "";
  byId("counts").textContent = t("counts", { d: status.documents, p: status.passages }) + pending;
  const kinds = {
    healthAll: list.documents,
    healthFailed: list.documents.filter((/** @type {any} */ info) => info.state === "failed"),
    healthWarned: list.documents.filter((/** @type {any} */ info) => info.warnings.length),
  };
  if (!kinds[kind].length) kind = "healthAll";
  byId("health").replaceChildren(...(kinds.healthFailed.length + kinds.healthWarned.length ? chips(kinds) : []));
  byId("documents").replaceChildren(...kinds[kind].map(row));
}

/** What is wrong in the library, to look at alone. @param {Record<string, any[]>} kinds */
function chips(kinds) {
  const some = Object.entries(kinds).filter(([, documents]) => documents.length);
  return some.map(([name, documents]) => {
    const chip = make("button", { type: "button" }, t(name, { n: documents.length }));
    chip.setAttribute("aria-pressed", String(name === kind));
    chip.onclick = () => {
      kind = /** @type {typeof kind} */ (name);
      show();
    };
    return chip;
  });
}

/** @param {any} info */
function row(info) {
  const name = info.path.split("/").pop();
  const title = make("button", { type: "button" }, info.title || name);
  const place = { document_id: info.id, title: info.title || name, span: /** @type {[number, number]} */ ([0, 0]), page: info.format === "pdf" || name.endsWith(".pdf") ? 1 : null };
  title.onclick = () => open(place, title);
  const remove = make("button", { type: "button" }, t("remove"));
  remove.setAttribute("aria-label", `${t("remove")}: ${name}`);
  remove.onclick = async () => {
    const { undo } = await call(`documents/${info.id}`, { method: "DELETE" });
    await show();
    offer(t("removed", { name }), undo);
  };
  const about = info.state === "failed" ? (info.message ?? t("failedFile")) : [name, t(info.chunks === 1 ? "onePassage" : "passages", { n: info.chunks }), ...info.warnings].join(" · ");
  const note = make("div", { className: info.state === "failed" ? "error" : "quiet" }, about);
  const graph = make("a", { className: "button", href: `#/graph?document=${info.id}&title=${encodeURIComponent(info.title || name)}` }, t("graphView"));
  graph.setAttribute("aria-label", `${t("graphView")}: ${name}`);
  return make("li", {}, make("div", { className: "name" }, title, note), ...(info.chunks ? [graph] : []), remove);
}

/** Says that a document was removed, and offers to bring it back. @param {string} words @param {string} token */
function offer(words, token) {
  const back = make("button", { type: "button" }, t("undo"));
  const line = make("li", {}, make("div", { className: "name" }, words), back);
  back.onclick = async () => {
    const { job } = await call(`undo/${token}`, { method: "POST" });
    line.replaceChildren(make("div", { className: "name" }, t("queued")));
    await follow(job, line);
    line.remove();
    await show();
  };
  byId("jobs").prepend(line);
}

/** Shows a job until it is done. @param {string} job @param {HTMLElement} line */
async function follow(job, line) {
  for (;;) {
    const state = await call(`jobs/${job}`);
    const progress = state.to_embed ? ` ${state.embedded}/${state.to_embed}` : "";
    const files = state.files.map((/** @type {any} */ file) =>
      make("div", { className: file.state === "failed" ? "error" : "" }, `${file.name}: ${file.message ?? t(file.state) + progress}`),
    );
    line.replaceChildren(make("div", { className: "name" }, ...files));
    if (state.done) return;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

/** @param {Iterable<File>} files */
async function upload(files) {
  const body = new FormData();
  for (const file of files) body.append("file", file);
  const line = make("li", {}, t("queued"));
  byId("jobs").prepend(line);
  try {
    const { job } = await call("documents", { method: "POST", body });
    await follow(job, line);
  } catch (error) {
    line.replaceChildren(make("span", { className: "error" }, error instanceof Error ? error.message : String(error)));
  }
  await show();
}

const drop = byId("drop");
drop.ondragover = (/** @type {DragEvent} */ event) => {
  event.preventDefault();
  drop.classList.add("over");
};
drop.ondragleave = () => drop.classList.remove("over");
drop.ondrop = (/** @type {DragEvent} */ event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer?.files.length) upload(event.dataTransfer.files);
};
const chooser = /** @type {HTMLInputElement} */ (byId("files"));
chooser.onchange = () => {
  if (chooser.files?.length) upload([...chooser.files]);
  chooser.value = "";
};
byId("filter").oninput = () => show();
