// The host's clock. It stands still during a call. In a component, `Date.now` and
// `new Date()` tell the same time.

import { host } from './host.js';

/** Milliseconds since the Unix epoch. Within a round the same as `round.now`. */
export const now = () => host.clock.now();
