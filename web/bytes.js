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
}
