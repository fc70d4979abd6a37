// Uploads and what becomes of them: each file with how far it is, or why it failed.

import { Problem, call, follow, upload } from "./api.js";
import { byId, make } from "./dom.js";
import { t, told } from "./i18n.js";

/** Jobs that are on the page. @type {Set<string>} */
const followed = new Set();

/** A line with a bar. @param {string} name */
function line(name) {
  const head = make("div", { className: "head" }, make("strong", {}, name));
  const bar = make("progress", { max: 1, value: 0, ariaLabel: name });
  const files = make("ul", { className: "files" });
  const item = make("li", { className: "job" }, make("div", { className: "name" }, head, bar, files));
  byId("jobs").prepend(item);
  return { item, head, bar, files };
}

/** @param {ReturnType<typeof line>} place @param {any} job */
function show({ item, head, bar, files }, job) {
  const failed = job.files.filter((/** @type {any} */ file) => file.state === "failed").length;
  const read = job.found ? job.read / job.found : 0;
  const embedded = job.to_embed ? Math.min(1, job.embedded / job.to_embed) : 0;
  // Reading is the smaller part of the work.
  bar.value = job.done ? 1 : 0.3 * read + 0.7 * embedded;
  bar.hidden = job.done;
  const name = job.files.length === 1 ? job.files[0].name : t("files", { n: job.files.length });
  const said = job.done
    ? t(failed ? "jobFailed" : "jobDone", { n: failed })
    : job.to_embed
      ? t("embedding", { a: Math.min(job.embedded, job.to_embed), b: job.to_embed })
      : t(job.found ? "readingFiles" : "queued", { a: job.read, b: job.found });
  head.replaceChildren(make("strong", {}, name), make("span", { className: failed && job.done ? "error" : "quiet" }, said));
  const shown = job.files.length === 1 && !failed ? [] : job.files;
  files.replaceChildren(
    ...shown.map((/** @type {any} */ file) =>
      make("li", {}, make("span", { className: "name" }, file.name), make("span", { className: file.state === "failed" ? "error" : "quiet" }, file.message ? told("failure", file.reason, file.message) : t(file.state))),
    ),
  );
  if (job.done) item.append(closer(item));
}

/** @param {HTMLElement} item that a click on this removes */
function closer(item) {
  const close = make("button", { type: "button", className: "plain", ariaLabel: t("close") }, "×");
  close.onclick = () => item.remove();
  return close;
}

/** @param {string} id @param {ReturnType<typeof line>} place @param {() => Promise<void>} changed */
async function watch(id, place, changed) {
  followed.add(id);
  let found = 0;
  await follow(id, (job) => {
    if (job.done && place.item.querySelector("button")) return;
    show(place, job);
    // Documents can be found by words long before all of the work is done.
    if (job.to_embed && !found) changed();
    found = job.to_embed;
  });
  await changed();
  // What went well needs no attention for long.
  if (!place.files.childElementCount) setTimeout(() => place.item.remove(), 4000);
}

/** Shows the jobs that are not done yet. @param {() => Promise<void>} changed called when there are other documents */
export async function followJobs(changed) {
  const { jobs } = await call("jobs");
  for (const job of jobs.reverse()) {
    if (job.done || followed.has(job.id)) continue;
    watch(job.id, line(job.files.length === 1 ? job.files[0].name : t("files", { n: job.files.length })), changed).catch(() => followed.delete(job.id));
  }
}

/** Says what happened to documents, and offers to bring back what was there before. @param {string} said @param {string[]} tokens @param {() => Promise<void>} changed @returns {HTMLButtonElement} */
export function offer(said, tokens, changed) {
  const back = make("button", { type: "button" }, t("undo"));
  const words = make("div", { className: "name" }, said);
  const item = make("li", {}, words, back);
  const errors = make("div", { className: "error", role: "alert" });
  words.append(errors);
  let left = tokens;
  back.onclick = async () => {
    back.disabled = true;
    const kept = [];
    /** @type {Set<string>} */
    const whys = new Set();
    for (const token of left) {
      try {
        await call(`undo/${token}`, { method: "POST" });
      } catch (error) {
        whys.add(why(error));
        // What is gone, or has another in its place, stays so; the rest may do later.
        if (!(error instanceof Problem && [404, 409].includes(error.status))) kept.push(token);
      }
    }
    left = kept;
    errors.replaceChildren(...[...whys].map((each) => make("div", {}, each)));
    back.disabled = false;
    if (!left.length) back.remove();
    if (!whys.size) item.remove();
    await followJobs(changed);
  };
  item.append(closer(item));
  byId("jobs").prepend(item);
  return back;
}

/** @param {unknown} error */
function why(error) {
  if (error instanceof Problem) return told("failure", error.reason, error.message);
  return error instanceof Error ? error.message : String(error);
}

/** Uploads, one form after another. @param {FormData[]} forms @param {number} left files that are of other kinds @param {() => Promise<void>} changed */
export async function send(forms, left, changed) {
  if (left) {
    const { item, head, bar } = line(t("files", { n: left }));
    bar.remove();
    item.append(closer(item));
    head.append(make("span", { className: "error" }, t("otherKinds")));
  }
  for (const form of forms) {
    const files = form.getAll("file").map((file) => /** @type {File} */ (file));
    const place = line(files.length === 1 ? files[0].name : t("files", { n: files.length }));
    try {
      const sending = make("span", { className: "quiet" });
      place.head.append(sending);
      const { job, replaced } = await upload(form, (part) => {
        place.bar.value = part * 0.1;
        sending.textContent = t("sending", { n: Math.round(part * 100) });
      }).finally(() => sending.remove());
      watch(job, place, changed);
      if (replaced.length) offer(replaced.length === 1 ? t("replaced", replaced[0]) : t("replacedMany", { n: replaced.length }), replaced.map((/** @type {any} */ file) => file.undo), changed);
    } catch (error) {
      place.bar.remove();
      place.head.append(make("span", { className: "error" }, why(error)));
      place.item.append(closer(place.item));
    }
  }
}
