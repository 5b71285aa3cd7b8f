// Texts as bytes. QuickJS has no TextEncoder; percent encoding knows UTF-8.

export function encode(text) {
  const bytes = [];
  const coded = encodeURIComponent(text.toWellFormed?.() ?? text);
  for (let at = 0; at < coded.length; at += 1) {
    if (coded[at] === '%') {
      bytes.push(Number.parseInt(coded.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(coded.charCodeAt(at));
    }
  }
  return Uint8Array.from(bytes);
}

/** Throws if the bytes are not UTF-8. */
export const decode = (bytes) =>
  decodeURIComponent(
    Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
