// What the policy decides, without a host.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '@offerd/sdk/testing';

import BinPack from '../src/policy';

/** Offer and number of tasks, placement by placement. */
function placed(config, offers, needs, count) {
  const cluster = new Cluster('batch');
  offers.forEach((amounts, at) => cluster.offer(cluster.agent(`host-${at}`), 'batch', amounts));
  cluster.wait({ name: 'job', role: 'batch', needs, count });
  const answer = cluster.decide(cluster.configure(BinPack, config));
  return answer.placements.map((placement) => [placement.offer, placement.count]);
}

test('the tightest first and then the next', () => {
  const offers = [
    { cpus: 8, mem: 8192 },
    { cpus: 2, mem: 2048 },
    { cpus: 4, mem: 4096 },
  ];
  const expected = [
    [1, 2],
    [2, 4],
    [0, 1],
  ];
  assert.deepEqual(placed({}, offers, { cpus: 1, mem: 64 }, 7), expected);
});

test('weights decide which resource is scarce', () => {
  const offers = [
    { cpus: 8, mem: 100 },
    { cpus: 2, mem: 9000 },
  ];
  const needs = { cpus: 1, mem: 10 };
  assert.deepEqual(placed({ weights: { mem: 0 } }, offers, needs, 1), [[1, 1]]);
  assert.deepEqual(placed({ weights: { cpus: 0 } }, offers, needs, 1), [[0, 1]]);
});

test('tasks without GPUs leave GPUs free', () => {
  const offers = [
    { cpus: 2, mem: 2048, gpus: 1 },
    { cpus: 4, mem: 4096 },
  ];
  assert.deepEqual(placed({}, offers, { cpus: 1, mem: 64 }, 1), [[1, 1]]);
});

test('decisions have reasons', () => {
  const cluster = new Cluster('batch');
  cluster.offer(cluster.agent('a'), 'batch', { cpus: 1, mem: 64 });
  cluster.offer(cluster.agent('b'), 'batch', { cpus: 1, mem: 64 });
  cluster.wait({ name: 'job', role: 'batch', needs: { cpus: 1, mem: 64 } });
  const answer = cluster.decide(cluster.configure(BinPack));
  assert.deepEqual(answer.reasons, ['the tightest offer with room', 'nothing that waits fits']);
  assert.deepEqual([answer.placements[0].reason, answer.rest.reason], [1, 2]);
  assert.deepEqual(cluster.offers, []);
});

test('wrong settings are named', () => {
  const cluster = new Cluster('batch');
  const wrong = (config) => assert.throws.bind(null, () => cluster.configure(BinPack, config));
  wrong({ weights: { cpus: -1 } })({
    message: 'config.weights.cpus: -1 is no weight; it must be from 0 to 1000000',
  });
  wrong({ wieghts: {} })({
    message: 'config.wieghts: there is no such setting; known are `weights`',
  });
  wrong({ weights: { mem: '2' } })({ message: 'config.weights.mem: "2" is not a number' });
});
