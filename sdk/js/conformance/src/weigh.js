// What is shown of a text or of bytes that are too large to show.

import * as utf8 from '../../src/utf8.js';

/** Below 2^23, so that no step of the sum needs more than 31 bits. */
const PRIME = 8_388_593;

/** Their number, and the number that they are as digits of base 256, modulo a prime. */
export function weighed(data) {
  const bytes = typeof data === 'string' ? utf8.encode(data) : data;
  const size = bytes.length;
  let sum = 0;
  for (let at = 0; at < size; at += 1) sum = (sum * 256 + bytes[at]) % PRIME;
  return [size, sum];
}
