// Texts as bytes. QuickJS has no TextEncoder. States of many MiB come here: neither way may
// need a value for each byte at once.

/** Half of a pair, for which UTF-8 has no bytes. */
const isHalf = (code) => code >= 0xd800 && code < 0xe000;

function larger(bytes) {
  const made = new Uint8Array(2 * bytes.length);
  made.set(bytes);
  return made;
}

/** Halves of pairs become U+FFFD. */
export function encode(text) {
  // Enough for ASCII; a character needs four at most.
  let bytes = new Uint8Array(text.length + 4);
  let size = 0;
  for (let at = 0; at < text.length; at += 1) {
    let code = text.charCodeAt(at);
    if (size + 4 > bytes.length) bytes = larger(bytes);
    if (code < 0x80) {
      bytes[size++] = code;
      continue;
    }
    if (isHalf(code)) {
      code = text.codePointAt(at);
      if (code >= 0x10000) at += 1;
      else code = 0xfffd;
    }
    if (code < 0x800) {
      bytes[size++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        bytes[size++] = 0xe0 | (code >> 12);
      } else {
        bytes[size++] = 0xf0 | (code >> 18);
        bytes[size++] = 0x80 | ((code >> 12) & 63);
      }
      bytes[size++] = 0x80 | ((code >> 6) & 63);
    }
    bytes[size++] = 0x80 | (code & 63);
  }
  return bytes.slice(0, size);
}

/** Bytes that are read at a time. */
const PART = 1 << 14;

/** Percent encoding knows UTF-8. */
const CODED = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).padStart(2, '0')}`);

/** Throws if the bytes are not UTF-8. */
export function decode(bytes) {
  const parts = [];
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(from + PART, bytes.length);
    // Not within a character; where there is none, the part is refused.
    while (to < bytes.length && to > from + 1 && (bytes[to] & 0xc0) === 0x80) to -= 1;
    const coded = [];
    for (let at = from; at < to; at += 1) coded.push(CODED[bytes[at]]);
    parts.push(decodeURIComponent(coded.join('')));
    from = to;
  }
  return parts.join('');
}
