// Passages for reading in passing.

/** A passage at a glance: without the signs of tables and emphasis. @param {string} text */
export const glance = (text) =>
  text
    .replace(/(^|\n)\s*\|(\s*:?-+:?\s*\|)+/g, "")
    .replace(/\s*\|\s*\n\s*\|\s*/g, "; ")
    .replace(/\s*\|\s*/g, " · ")
    .replace(/\*\*|`/g, "")
    .replace(/^( · )+|( · )+$/g, "");
