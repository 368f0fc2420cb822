/**
 * SHA-1 (FIPS 180-4) that takes its input piece by piece.
 *
 * Browsers have the digest in one shot only, for which a file would have to be in memory whole, and not at all on pages that came
 * over plain HTTP. B2's protocol wants it as a checksum; nothing here depends on its strength.
 */

import { compress } from "./sha1-rounds.js";

const BLOCK = 64;

/** One digest in the making. */
export class Sha1 {
  #h = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  #block = new Uint8Array(BLOCK);
  #filled = 0;
  #length = 0;

  /**
   * Add bytes, which are read before this returns.
   * @param {Uint8Array} bytes
   * @returns {this}
   */
  update(bytes) {
    this.#length += bytes.length;
    let at = 0;
    if (this.#filled) {
      at = Math.min(BLOCK - this.#filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < BLOCK) return this;
      compress(this.#h, this.#block, 0, BLOCK);
    }
    const end = bytes.length - ((bytes.length - at) % BLOCK);
    compress(this.#h, bytes, at, end);
    this.#block.set(bytes.subarray(end));
    this.#filled = bytes.length - end;
    return this;
  }

  /**
   * Another digest of the same bytes so far.
   * @returns {Sha1}
   */
  copy() {
    const made = new Sha1();
    made.#h.set(this.#h);
    made.#block.set(this.#block);
    made.#filled = this.#filled;
    made.#length = this.#length;
    return made;
  }

  /**
   * The digest in hex, of what was added so far. More may be added afterwards.
   * @returns {string}
   */
  hex() {
    const h = this.#h.slice();
    const tail = new Uint8Array(this.#filled < 56 ? BLOCK : 2 * BLOCK);
    tail.set(this.#block.subarray(0, this.#filled));
    tail[this.#filled] = 0x80;
    const view = new DataView(tail.buffer);
    // The length in bits, as two words: a file may have more bits than a 32-bit number can say.
    view.setUint32(tail.length - 8, Math.floor(this.#length / 0x20000000));
    view.setUint32(tail.length - 4, (this.#length << 3) >>> 0);
    compress(this.#h, tail, 0, tail.length);
    const text = Array.from(this.#h, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
    this.#h = h;
    return text;
  }
}
