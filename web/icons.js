// Signs of the page, drawn with lines of one width.

/** @type {Record<string, string>} */
const PATHS = {
  ask: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4.2 4.2 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4.2 4.2 0 0 0 6 6l1-1",
  again: "M19 12a7 7 0 1 1-2-5M19 4v4h-4",
  up: "M7 11v9H4v-9zM7 11l4-7a2 2 0 0 1 3 2l-1 4h6a1.5 1.5 0 0 1 1.5 2l-2 7a1.5 1.5 0 0 1-1.5 1H7",
  down: "M17 13V4h3v9zM17 13l-4 7a2 2 0 0 1-3-2l1-4H5a1.5 1.5 0 0 1-1.5-2l2-7A1.5 1.5 0 0 1 7 4h10",
  graph: "M6 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM18 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM10 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 6.3l8 1.4M7 8l2.3 8M16.7 9.6l-5.4 7",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
  check: "M5 13l5 5 9-11",
  partial: "M5 12h14",
  none: "M12 8v5M12 16.5v.5M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  light: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M18.4 5.6L17 7M7 17l-1.4 1.4",
  dark: "M19 14.5A8 8 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z",
};

/** @param {string} name of a sign @returns {SVGSVGElement} */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
