// Counters and gauges of the policy, which the host offers with its own.

import { host } from './host.js';

/** Adds to a counter. */
export const count = (name, amount = 1) => host.metrics.count(name, amount);

/** Sets a gauge. */
export const gauge = (name, value) => host.metrics.gauge(name, value);
