// What no policy should do; the host ends it, in whatever language.

import { clock } from '@offerd/sdk';

/** Does what the configuration asks for, if it asks for any of it. */
export function test(config) {
  if (config.includes('loop-decide')) {
    while (clock.now() > 0);
  }
  if (config.includes('bomb-decide')) {
    const kept = [];
    for (;;) kept.push(new Uint8Array(1 << 20).fill(1));
  }
  if (config.includes('recurse-decide')) dig(1);
}

function dig(depth) {
  return dig(depth + 1) + 1;
}
