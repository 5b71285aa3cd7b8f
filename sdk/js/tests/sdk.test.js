import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  Amounts,
  Answer,
  Fitter,
  NONE,
  OperationState,
  Order,
  PolicyError,
  Reason,
  Source,
  TaskState,
  clock,
  cluster,
  log,
  milli,
  random,
  resource,
} from '../index.js';
import * as unsigned from '../glue/unsigned.js';
import { settings } from '../src/config.js';
import * as utf8 from '../src/utf8.js';
import { Cluster, Refused } from '../testing.js';
import { declarations } from '../tools/types.js';

class FirstFit {
  static description = { name: 'first', version: '1', summary: '' };

  decide(round, answer) {
    const fitter = new Fitter(round, Order.ARRIVAL);
    for (const waiting of round.waiting) {
      for (const spot of fitter.fill(waiting)) answer.place(spot, waiting, spot.count);
    }
    answer.declineRest();
  }
}

const like = (decide) =>
  class {
    static description = { name: 'p', version: '1', summary: '' };

    decide(round, answer) {
      decide(round, answer);
    }
  };

function two() {
  const made = new Cluster('batch', 'web');
  for (const host of ['one', 'two']) {
    made.offer(made.agent(host, { rack: host }), 'batch', { cpus: 2, mem: 1024 });
  }
  return made;
}

const job = (count, more = {}) => ({
  name: 'job',
  role: 'batch',
  needs: { cpus: 1, mem: 128 },
  count,
  ...more,
});

test('amounts are whole thousandths', () => {
  assert.deepEqual([milli(1.5), milli(0.0005), milli(-0.0005), milli(0.1)], [1500, 1, -1, 100]);
  const room = Amounts.of({ cpus: 3, mem: 100 });
  assert.equal(room.capacity(Amounts.of({ cpus: 0.7 })), 4);
  assert.equal(room.capacity(new Amounts()), NONE);
  assert.ok(!room.fits(Amounts.of({ ports: 1 })));
  assert.equal(room.minus(Amounts.of({ cpus: 5 })).cpus, 0);
});

test('numbers have names, and unknown ones are kept', () => {
  assert.equal(TaskState.nameOf(TaskState.GONE_BY_OPERATOR), 'TASK_GONE_BY_OPERATOR');
  assert.equal(Reason.nameOf(17), 'REASON_CONTAINER_PREEMPTED');
  assert.equal(Source.nameOf(1), 'SOURCE_AGENT');
  assert.equal(OperationState.nameOf(99), '99');
});

test('a round is decided and carried out', () => {
  const made = two();
  made.wait(job(3));
  const policy = made.configure(FirstFit);
  const answer = made.decide(policy);
  assert.deepEqual(
    answer.placements.map(({ offer, count }) => [offer, count]),
    [
      [0, 2],
      [1, 1],
    ],
  );
  assert.deepEqual([made.tasks.length, made.offers.length, made.waiting.length], [3, 0, 0]);
  made.end(0);
  assert.equal(made.round().updates[0].reason, NONE);
});

test('constraints are asked for and kept', () => {
  const made = two();
  const set = made.wait(job(5, { constrained: true }));
  made.allow(set, 1, 1);
  const answer = made.decide(made.configure(FirstFit));
  assert.deepEqual(
    answer.placements.map(({ offer, count }) => [offer, count]),
    [[1, 1]],
  );
});

test('orders, groups and what is left', () => {
  const made = new Cluster('batch');
  [4, 1, 2].forEach((cpus, at) =>
    made.offer(made.agent(`h${at}`), 'batch', { cpus, mem: 4096 }),
  );
  made.wait(job(2));
  const round = made.round();
  const [waiting] = round.waiting;
  const first = (order) => new Fitter(round, order).next(waiting).at;
  assert.deepEqual([Order.ARRIVAL, Order.tightest(), Order.roomiest()].map(first), [0, 1, 0]);
  const fitter = new Fitter(round, Order.tightest(), (at) => (at === 1 ? null : at % 2));
  const spot = fitter.next(waiting);
  assert.deepEqual([spot.at, spot.count], [2, 2]);
  fitter.take(spot, waiting, 1);
  assert.equal(fitter.left(2).cpus, 1000);
  assert.equal(fitter.next(waiting, { group: 1 }), null);
  assert.equal(fitter.next(waiting, { good: (offer) => offer.agent === 0 }).at, 0);
  assert.equal(fitter.room(1, waiting), 1);
});

test('many offers and sets: nothing is placed twice', () => {
  const made = new Cluster('batch');
  for (let at = 0; at < 700; at += 1) {
    made.offer(made.agent(`h${at}`), 'batch', { cpus: 1 + (at % 7), mem: 512 * (1 + (at % 5)) });
  }
  for (let at = 0; at < 300; at += 1) {
    made.wait({ ...job(1 + (at % 9)), name: `j${at}`, needs: { cpus: 0.5 + (at % 3), mem: 256 } });
  }
  class BestFit extends FirstFit {
    decide(round, answer) {
      const fitter = new Fitter(round, Order.tightest());
      for (const waiting of round.waiting) {
        for (const spot of fitter.fill(waiting)) answer.place(spot, waiting, spot.count);
      }
    }
  }
  // `decide` throws if the host would refuse one of them.
  const answer = made.decide(made.configure(BestFit));
  assert.ok(answer.placements.length > 300);
});

test('every decision has its form', () => {
  const answer = new Answer();
  answer.place(1, { set: 2 }, 3).because('a');
  answer.decline({ offer: 4 }).refuse(5).because('b');
  answer.kill(6).grace(7).because('a');
  const disk = resource.persistent(resource.reservedFor(resource.scalar('disk', 64), 'r'), 'v', 'd');
  answer.accept(1, 2).reserve(disk).withId('x').create(disk).launch({ name: 't' }).because('c');
  answer.timer(8, 9000);
  answer.leftoverFor(10);
  answer.declineRest().refuse(11);
  const { placements, declines, kills, actions, rest, leftover, reasons } = answer.record();
  assert.deepEqual(reasons, ['a', 'b', 'c']);
  assert.deepEqual(placements, [{ offer: 1, set: 2, count: 3, reason: 1 }]);
  assert.deepEqual(declines, [{ offer: 4, refuse: 5, reason: 2 }]);
  assert.deepEqual(kills, [{ task: 6, grace: 7, reason: 1 }]);
  assert.deepEqual([rest.refuse, leftover], [11, 10]);
  const { operations } = actions[0].action.val;
  assert.deepEqual(
    operations.map(({ tag }) => tag),
    ['reserve', 'create', 'launch'],
  );
  assert.equal(operations[0].val.id, 'x');
  assert.equal(operations[0].val.resources[0].disk.persistence.id, 'v');
  assert.throws(() => answer.accept(1).place(1, 1).withId('y'), /have ids/);
  assert.throws(() => answer.place({}, 1, 1), /is no offer/);
  assert.throws(() => answer.place(1, 1, 0.5), /is no count/);
  assert.throws(() => answer.decline(1).because(5), /is no text/);
});

test('what the host would refuse is refused', () => {
  const made = two();
  made.wait(job(1));
  const bad = like((_, answer) => {
    answer.place(0, 0, 3);
    answer.decline(0);
    answer.kill(9);
  });
  assert.throws(() => made.decide(made.configure(bad)), (error) => {
    assert.ok(error instanceof Refused);
    for (const part of ['no room', 'only 1 wait', 'is used already', 'does not live']) {
      assert.ok(error.message.includes(part), error.message);
    }
    return true;
  });
});

test('settings have the types of their defaults', () => {
  const usual = { most: 10, name: 'a', list: [1], deep: { on: false }, any: null };
  assert.deepEqual(settings(usual, '{"most":3,"deep":{"on":true},"any":[1]}'), {
    ...usual,
    most: 3,
    deep: { on: true },
    any: [1],
  });
  const why = (text) => {
    try {
      settings(usual, text);
    } catch (error) {
      assert.ok(error instanceof PolicyError);
      return error.message;
    }
    throw new Error('it was taken');
  };
  assert.equal(why('{"most":"3"}'), 'config.most: "3" is not a number');
  assert.match(why('{"deep":{"of":1}}'), /^config\.deep\.of: there is no such setting/);
  assert.equal(why('{"list":[1,"x"]}'), 'config.list[1]: "x" is not a number');
  assert.match(why('{'), /^the config is not JSON/);
  assert.equal(settings(String, 'as it is'), 'as it is');
});

test('large settings are read', () => {
  const large = {
    text: '☃'.repeat(350_000),
    list: Array.from({ length: 10_000 }, (_, at) => at),
    table: Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`n${at}`, at])),
  };
  const read = settings({ text: '', list: [0], table: null }, JSON.stringify(large));
  assert.ok(Buffer.byteLength(read.text) > 2 ** 20);
  assert.ok(read.text === large.text);
  assert.deepEqual(read.list, large.list);
  assert.deepEqual(read.table, large.table);
});

test('texts of all lengths and scripts become UTF-8 and come back', () => {
  const parts = ['a', 'é', '☃', '🦀', 'plain text, ', '"\\\n\0'];
  for (const length of [0, 1, 5, 100, 2 ** 14 - 1, 2 ** 14, 100_000]) {
    for (const step of [1, 5]) {
      let text = '';
      for (let at = 0; text.length < length; at += step) text += parts[at % parts.length];
      const bytes = utf8.encode(text);
      assert.ok(Buffer.from(text).equals(bytes), `${length} ${step}`);
      assert.ok(utf8.decode(bytes) === text, `${length} ${step}`);
    }
  }
  // Halves of pairs.
  for (const text of ['\ud83e', 'a\udd80b', '\udd80\ud83e', '\ud83e\ud83e\udd80']) {
    assert.deepEqual([...utf8.encode(text)], [...Buffer.from(text)]);
  }
  for (const bytes of [[0x80], [0xe2, 0x98], [0xc0, 0x80], [0xed, 0xa0, 0x80], Array(40_000).fill(0x80)]) {
    assert.throws(() => utf8.decode(Uint8Array.from(bytes)), URIError);
  }
});

test('the host is asked, and where there is none that is told', () => {
  assert.throws(() => clock.now(), /clock\.now asks the host, and there is none here/);
  const made = two();
  made.advance(500);
  const seen = [];
  const asks = like((round) => {
    const agent = cluster.agent(round.offers[0]);
    seen.push(clock.now() === round.now, cluster.attribute(agent, 'rack'), cluster.roleName(1));
    const drawn = random.nextU32();
    seen.push(drawn >= 0 && drawn <= NONE, random.below(3) < 3);
    log.info('seen', { a: 1 });
    log.error(new Error('odd'));
  });
  made.decide(made.configure(asks));
  assert.deepEqual(seen, [true, 'one', 'web', true, true]);
  assert.deepEqual(made.log[0], ['info', 'seen {"a":1}']);
  assert.match(made.log[1][1], /^Error: odd\n +at /);
});

test('a stack has the lines of the sources where the table knows them', (t) => {
  const parts = [
    ['@offerd/sdk/src/fit.js', 10, 3],
    ['src/policy.js', 20, 5, 24, 12, 26, 8],
    ['@offerd/sdk/glue/calls.js', 40, 2],
  ];
  const lines = (line) => log.trace(thrown(`    at decide (/policy.js:${line}:7)\n`));
  const thrown = (stack) => Object.assign(new Error('odd'), { stack });
  assert.equal(lines(20), 'Error: odd\n    at decide (/policy.js:20:7)');

  t.after(() => delete globalThis.offerdLines);
  globalThis.offerdLines = JSON.stringify(parts);
  for (const [line, source] of [
    [10, '@offerd/sdk/src/fit.js:3'],
    [19, '@offerd/sdk/src/fit.js:12'],
    [20, 'src/policy.js:5'],
    [23, 'src/policy.js:8'],
    [24, 'src/policy.js:12'],
    [39, 'src/policy.js:21'],
    [1000, '@offerd/sdk/glue/calls.js:962'],
    // QuickJS has such a line for a field's value.
    [0, '/policy.js:0:7'],
    [9, '/policy.js:9:7'],
  ]) {
    assert.equal(lines(line), `Error: odd\n    at decide (${source})`);
  }

  const others = [
    '    at map (native)',
    '    at <eval> (<input>:20:1)',
    '    at f (/other/policy.js:20:1)',
    '    at (/policy.js:20:1) (native)',
    'no frame at all',
  ].join('\n');
  const mixed = `    at f (/policy.js:21:1)\n${others}\n    at g (/policy.js:41:1)`;
  const shown = `    at f (src/policy.js:6)\n${others}\n    at g (@offerd/sdk/glue/calls.js:3)`;
  const caused = new Error('twice', { cause: thrown(mixed) });
  caused.stack = others;
  assert.equal(log.trace(caused), `Error: twice\n${others}\ncaused by Error: odd\n${shown}`);

  for (const table of ['', 'no table', '[]', '{}', '[1]', 'null', 7]) {
    globalThis.offerdLines = table;
    assert.equal(lines(20), 'Error: odd\n    at decide (/policy.js:20:7)', `${table}`);
  }
  assert.equal(log.trace(thrown(undefined)), 'Error: odd');
  assert.equal(log.trace('a text'), 'thrown: a text');
  assert.equal(log.trace(null), 'thrown: null');
});

test('the stand-in answers as the host does', () => {
  const made = two();
  made.offerColumn(1, 'fpgas', 3000);
  made.offerResources(1, [resource.scalar('fpgas', 3)]);
  made.state.operations.push({ operationId: 'o', state: OperationState.FINISHED });
  const [free, bound] = [made.wait(job(1)), made.wait(job(1, { constrained: true }))];
  const seen = [];
  const asks = like(() =>
    seen.push(
      cluster.allowed(free, [0, 9]),
      cluster.allowed(bound, [0]),
      cluster.allowed(9, [0]),
      cluster.column('cpus'),
      cluster.column('fpgas'),
      cluster.column('other'),
      cluster.offer(0),
      cluster.offer(1).resources[0].name,
      cluster.operations()[0].operationId,
    ),
  );
  made.decide(made.configure(asks));
  const columns = [[2000, 2000], [0, 3000], [0, 0]];
  assert.deepEqual(seen, [[NONE, 0], [0], [], ...columns, null, 'fpgas', 'o']);
});

test('an agent of which only the id is known is asked for again', () => {
  const made = two();
  made.state.agents[0].hostname = '';
  const seen = [];
  const policy = made.configure(like(() => seen.push(cluster.agent(0).hostname)));
  made.decide(policy);
  made.state.agents[0].hostname = 'one';
  made.decide(policy);
  made.state.agents[0].hostname = 'other';
  made.decide(policy);
  assert.deepEqual(seen, ['', 'one', 'one']);
});

test('what the toolchain makes negative is put right', () => {
  const shown = unsigned.round({
    updates: [{ task: 1, job: -1, agent: 2, state: 6, reason: -1, source: 2 }],
    events: [
      { tag: 'timer', val: -2 },
      { tag: 'failure', val: { agent: -1, executorId: null, status: -1 } },
      { tag: 'inverse-offers', val: [{ inverseOffer: 3, agent: -1 }] },
      { tag: 'disconnected', val: 'gone' },
    ],
  });
  assert.deepEqual(shown.updates, [
    { task: 1, job: NONE, agent: 2, state: 6, reason: NONE, source: 2 },
  ]);
  assert.deepEqual(
    shown.events.map(({ val }) => val),
    [
      NONE - 1,
      { agent: NONE, executorId: null, status: -1 },
      [{ inverseOffer: 3, agent: NONE }],
      'gone',
    ],
  );
  const found = unsigned.cluster({
    getTask: (task) => (task === 1 ? { task, job: -1 } : null),
    tasks: () => [{ task: 1, job: -1 }],
    allowed: () => Int32Array.of(-1, 2),
    roles: () => ['r'],
  });
  assert.deepEqual([found.getTask(1), found.getTask(2)], [{ task: 1, job: NONE }, null]);
  assert.deepEqual([found.tasks()[0].job, found.allowed(0, []), found.roles()], [NONE, [NONE, 2], ['r']]);
  const query = { operationId: 'o', agent: NONE, provider: null };
  const answer = new Answer();
  answer.reconcileOperations(query);
  answer.timer(NONE, 5).because('a');
  assert.deepEqual(unsigned.answer(answer.record()).actions, [
    { action: { tag: 'reconcile-operations', val: [{ ...query, agent: -1 }] }, reason: 0 },
    { action: { tag: 'timer', val: { number: -1, after: 5 } }, reason: 1 },
  ]);
  assert.equal(query.agent, NONE);
});

test('state goes from one instance to the next', () => {
  class Counts extends FirstFit {
    count = 0;

    decide(round, answer) {
      this.count += 1;
    }

    save() {
      return { version: 1, data: `${this.count} ☃` };
    }

    restore({ version, text }) {
      assert.equal(version, 1);
      this.count = Number.parseInt(text, 10);
    }
  }
  const made = two();
  const policy = made.configure(Counts);
  made.decide(policy);
  assert.equal(made.restart(policy).count, 1);
  assert.equal(utf8.decode(utf8.encode('a☃ü')), 'a☃ü');
});

test('what is no policy is told', () => {
  const made = two();
  assert.throws(() => made.describe({}), /must export by default a class/);
  assert.throws(() => made.describe(class P { decide() {} }), /static description\.name/);
});

test('the types of the contract are what wit/ gives', () => {
  const committed = readFileSync(new URL('../contract.d.ts', import.meta.url), 'utf8');
  assert.equal(committed, declarations(), 'run `node tools/types.js`');
});
