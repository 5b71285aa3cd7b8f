// Builds complete resources, as operations name them, and messages for Mesos. What a plain
// task needs are amounts; this is for reservations and volumes. The functions change
// nothing: they give a new resource.

import { milli } from './amounts.js';

const plain = (name, value) => ({
  name,
  value,
  reservations: [],
  disk: null,
  revocable: false,
  shared: false,
  provider: null,
});

/** An unreserved amount in Mesos's unit: `scalar('disk', 64)` is 64 MiB. */
export const scalar = (name, amount) => plain(name, { tag: 'scalar', val: milli(amount) });

/** Unreserved ranges, `[[begin, end], ...]`; both ends belong to each. */
export const ranges = (name, pairs) =>
  plain(name, { tag: 'ranges', val: pairs.map(([begin, end]) => ({ begin, end })) });

/** An unreserved set of items. */
export const items = (name, items) => plain(name, { tag: 'items', val: [...items] });

/** The same with one more dynamic reservation on top. */
export const reservedFor = (resource, role, principal = null) => ({
  ...resource,
  reservations: [...resource.reservations, { kind: 'dynamic', role, principal, labels: [] }],
});

/**
 * The same as a persistent volume that tasks see under `containerPath`. Keeps the disk's
 * source, if it has one.
 */
export const persistent = (resource, id, containerPath) => ({
  ...resource,
  disk: {
    persistence: { id, principal: resource.reservations.at(-1)?.principal ?? null },
    volume: { containerPath, hostPath: null, readOnly: false },
    source: resource.disk?.source ?? null,
  },
});

/**
 * A message of Mesos's v1 API as the contract carries it: an object with Mesos's field
 * names, protobuf bytes, or what is in that form already.
 */
export function encoded(message) {
  if (message instanceof Uint8Array) return { tag: 'protobuf', val: message };
  if (message?.tag === 'json' || message?.tag === 'protobuf') return message;
  return { tag: 'json', val: JSON.stringify(message) };
}
