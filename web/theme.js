// Light or dark: as the system says, until somebody chooses.

import { byId } from "./dom.js";
import { icon } from "./icons.js";

const system = matchMedia("(prefers-color-scheme: dark)");

/** @returns {boolean} */
const isDark = () => (localStorage.getItem("theme") ?? (system.matches ? "dark" : "light")) === "dark";

function show() {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
  byId("theme").replaceChildren(icon(isDark() ? "light" : "dark"));
  dispatchEvent(new Event("resize"));
}

export function listen() {
  byId("theme").onclick = () => {
    localStorage.setItem("theme", isDark() ? "light" : "dark");
    show();
  };
  system.addEventListener("change", show);
  show();
}
