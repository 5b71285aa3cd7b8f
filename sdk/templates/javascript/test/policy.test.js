// Unit tests: `node --test`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '@offerd/sdk/testing';

import {{type}} from '../src/policy.js';

function placed(config) {
  const cluster = new Cluster('batch');
  for (const host of ['one', 'two']) {
    cluster.offer(cluster.agent(host), 'batch', { cpus: 2, mem: 1024 });
  }
  cluster.wait({ name: 'job', role: 'batch', needs: { cpus: 1, mem: 128 }, count: 3 });
  const answer = cluster.decide(cluster.configure({{type}}, config));
  return answer.placements.map(({ offer, count }) => [offer, count]);
}

test('the first offer is filled first', () => {
  assert.deepEqual(placed({}), [
    [0, 2],
    [1, 1],
  ]);
});

test('no more than allowed', () => {
  assert.deepEqual(placed({ most: 1 }), [[0, 1]]);
});
