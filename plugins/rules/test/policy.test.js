// What the policy decides, without a host.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cluster } from '@offerd/sdk/testing';

import Rules from '../src/policy.js';

const AGENTS = [
  ['a1', { disk: 'hdd', rack: 'a' }],
  ['a2', { disk: 'ssd', rack: 'a' }],
  ['b1', { disk: 'ssd', rack: 'b', draining: 'yes' }],
];

/** Hosts on which tasks of a job are placed, by rules. */
function placed(rules, job = {}) {
  const made = new Cluster('batch');
  const hosts = new Map();
  for (const [host, attributes] of AGENTS) {
    const agent = made.agent(host, attributes);
    hosts.set(made.offer(agent, 'batch', { cpus: 1, mem: 1024 }), host);
  }
  made.wait({ name: 'job', role: 'batch', needs: { cpus: 1, mem: 64 }, count: 3, ...job });
  const answer = made.decide(made.configure(Rules, { rules }));
  return answer.placements.map(({ offer }) => hosts.get(offer));
}

test('without rules any offer is good', () => {
  assert.deepEqual(placed([]), ['a1', 'a2', 'b1']);
});

test('where: only there', () => {
  assert.deepEqual(placed([{ where: "agent.attributes.disk === 'ssd'" }]), ['a2', 'b1']);
  assert.deepEqual(
    placed([{ where: "agent.attributes.disk === 'ssd'" }, { where: '!agent.attributes.draining' }]),
    ['a2'],
  );
});

test('prefer: there first', () => {
  const rules = [{ prefer: "agent.attributes.disk === 'ssd' ? 2 : 0" }, { prefer: "agent.hostname === 'b1'" }];
  assert.deepEqual(placed(rules), ['b1', 'a2', 'a1']);
});

test('when: only for such jobs', () => {
  const rules = [{ when: 'job.service && job.priority > 5', where: "agent.attributes.rack === 'b'" }];
  assert.deepEqual(placed(rules), ['a1', 'a2', 'b1']);
  assert.deepEqual(placed(rules, { service: true, priority: 9 }), ['b1']);
});

test('reasons name the rules', () => {
  const made = new Cluster('batch');
  made.offer(made.agent('a1'), 'batch', { cpus: 1, mem: 64 });
  made.wait({ name: 'job', role: 'batch', needs: { cpus: 1, mem: 64 } });
  const rules = [{ when: 'false', where: 'false' }, { where: 'true' }];
  const answer = made.decide(made.configure(Rules, { rules }));
  assert.equal(answer.reasons[0], 'by rules[1]');
});

test('a rule that is wrong is named', () => {
  const made = new Cluster('batch');
  const wrong = (rules, why) => assert.throws(() => made.configure(Rules, { rules }), { message: why });
  wrong([{ where: 'agent.' }], /^config\.rules\[0\]\.where: .* in: agent\.$/);
  wrong([{}, { prefer: 3 }], 'config.rules[1].prefer: 3 is not a string');
  wrong([{ were: 'x' }], /^config\.rules\[0\]\.were: there is no such setting/);
  assert.throws(() => placed([{ where: 'agent.atributes.disk' }]), /rules\[0\]\.where: .*\(job job\)/);
  assert.throws(() => placed([{ prefer: '"high"' }]), /"high" is no preference/);
});

test('a rule reaches nothing but its arguments', () => {
  assert.throws(() => placed([{ where: '(job = undefined_name)' }]), /undefined_name is not defined/);
});
