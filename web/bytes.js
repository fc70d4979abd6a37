// Spans are bytes of UTF-8; strings are UTF-16.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A text that can be cut at bytes. */
export class ByteText {
  /** @param {string} text */
  constructor(text) {
    this.bytes = encoder.encode(text);
  }

  /** @param {number} start @param {number} end @returns {string} */
  slice(start, end) {
    return decoder.decode(this.bytes.subarray(start, end));
  }
  get length() {
    return this.bytes.length;
  }

  /** Where `words` stand. @param {string} words @returns {number[]} */
  all(words) {
    const text = decoder.decode(this.bytes);
    const found = [];
    // Counted on from place to place, so that a long text is gone through once.
    let [from, at] = [0, 0];
    for (let next = text.indexOf(words); words && next >= 0; next = text.indexOf(words, next + 1)) {
      at += encoder.encode(text.slice(from, next)).length;
      from = next;
      found.push(at);
    }
    return found;
  }
}
