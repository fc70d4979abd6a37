// The way in, where the server wants a key.

import { key, onLocked, setKey } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";

/** Everyone who waits for the same key. @type {Promise<boolean> | null} */
let waiting = null;

/** @returns {Promise<boolean>} whether there is another key now */
function open() {
  waiting ??= new Promise((resolve) => {
    const dialog = /** @type {HTMLDialogElement} */ (byId("door"));
    const field = /** @type {HTMLInputElement} */ (byId("door-key"));
    byId("door-error").textContent = key() ? t("doorWrong") : "";
    field.value = "";
    dialog.onclose = () => {
      waiting = null;
      const given = dialog.returnValue === "given";
      if (given) setKey(field.value.trim());
      show();
      resolve(given);
    };
    byId("door-form").onsubmit = (event) => {
      event.preventDefault();
      dialog.close("given");
    };
    dialog.returnValue = "";
    dialog.showModal();
  });
  return waiting;
}

function show() {
  byId("leave").hidden = !key();
}

export function listen() {
  onLocked(open);
  byId("leave").onclick = () => {
    setKey(null);
    location.hash = "#/";
    location.reload();
  };
  show();
}
