// Random numbers from the host, the same in a replay. In a component, `Math.random`
// draws from them too.

import { host } from './host.js';

/** A number from 0 to 4294967295. */
export const nextU32 = () => host.random.nextU32();

/** A number from 0, below 1. */
export const next = () => host.random.nextF64();

/** A whole number from 0, below `bound`; the same one as with the other SDKs. */
export const below = (bound) =>
  Number((BigInt(host.random.nextU32()) * BigInt(bound)) >> 32n);

/** One of these. */
export const choice = (items) => items[below(items.length)];
