// One of each action and operation of the contract.

import { NONE } from '@offerd/sdk';

const plain = (name, tag, val) => ({
  name,
  value: { tag, val },
  reservations: [],
  disk: null,
  revocable: false,
  shared: false,
  provider: null,
});

const scalar = (name, value) => plain(name, 'scalar', value);

const reserved = () => ({
  ...scalar('cpus', 1),
  reservations: [
    { kind: 'dynamic', role: 'r', principal: 'me', labels: [{ key: 'k', value: null }] },
  ],
});

const volume = () => ({
  ...scalar('disk', 64000),
  disk: {
    persistence: { id: 'v', principal: null },
    volume: { containerPath: 'data', hostPath: null, readOnly: false },
    source: {
      kind: 'path',
      root: '/mnt',
      id: null,
      vendor: null,
      profile: null,
      metadata: [],
    },
  },
  shared: true,
});

const json = (val) => ({ tag: 'json', val });
const protobuf = (...bytes) => ({ tag: 'protobuf', val: new Uint8Array(bytes) });

const operations = () => {
  const only = (resource) => ({ id: 'op', resources: [resource] });
  const all = {
    launch: [json('{}'), protobuf(8, 1)],
    place: { set: 1, count: 2 },
    'launch-group': { executor: json('{}'), tasks: [json('{}')] },
    reserve: { id: null, source: [scalar('cpus', 1)], resources: [reserved()] },
    unreserve: only(reserved()),
    create: only(volume()),
    destroy: only(volume()),
    'grow-volume': { id: null, volume: volume(), addition: scalar('disk', 1) },
    'shrink-volume': { id: null, volume: volume(), subtract: 64000 },
    'create-disk': {
      id: null,
      source: scalar('disk', 2),
      target: 'mount',
      targetProfile: 'fast',
    },
    'destroy-disk': { id: null, source: plain('ports', 'ranges', [{ begin: 1, end: 2 }]) },
  };
  return Object.entries(all).map(([tag, val]) => ({ tag, val }));
};

export const actions = () => {
  const all = {
    accept: { offers: [1, 2], operations: operations(), refuse: 1000 },
    revive: [0, 1],
    suppress: [1],
    shutdown: { agent: 3, executorId: 'e' },
    message: { agent: 3, executorId: 'e', data: new Uint8Array([0, 255]) },
    request: [{ agent: 4, resources: [scalar('cpus', 500)] }],
    reconcile: [5],
    'reconcile-operations': [{ operationId: 'o', agent: NONE, provider: 'p' }],
    'accept-inverse-offers': { inverseOffers: [6], refuse: -1 },
    'decline-inverse-offers': { inverseOffers: [7], refuse: 2000 },
    'update-framework': { framework: json('{}'), constraints: protobuf(1) },
    timer: { number: 8, after: 9000 },
  };
  return Object.entries(all).map(([tag, val], at) => ({ action: { tag, val }, reason: at + 1 }));
};
