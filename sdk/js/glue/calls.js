// What the two worlds have in common. Only in a component.

import * as clock from 'offerd:policy/clock@0.1.0';
import * as cluster from 'offerd:policy/cluster@0.1.0';
import * as logging from 'offerd:policy/logging@0.1.0';
import * as metrics from 'offerd:policy/metrics@0.1.0';
import * as random from 'offerd:policy/random@0.1.0';

import * as calls from '../src/export.js';
import { connect } from '../src/host.js';
import * as unsigned from './unsigned.js';

connect({
  clock,
  cluster: unsigned.cluster(cluster),
  logging,
  metrics,
  random: unsigned.random(random),
});

// A component has no clock and no random numbers but the host's, and asking QuickJS for its
// own ends the instance.
const OwnDate = globalThis.Date;
const end = () => OwnDate.now();
globalThis.Date = class Date extends OwnDate {
  constructor(...parts) {
    if (parts.length === 0) super(clock.now());
    else super(...parts);
  }

  static now() {
    return clock.now();
  }
};
Math.random = () => random.nextF64();
globalThis.console ??= Object.fromEntries(
  [
    ['trace', 'trace'],
    ['debug', 'debug'],
    ['log', 'info'],
    ['info', 'info'],
    ['warn', 'warn'],
    ['error', 'error'],
  ].map(([name, level]) => [name, (...values) => logging.log(level, values.map(String).join(' '))]),
);

/** The exports of the world `policy` for a class. */
export function exportsOf(policy, stateful) {
  let instance = null;
  const configured = (call) => {
    if (instance === null) throw new TypeError(`${call} was called before configure`);
    return instance;
  };
  const reported = (call, work) => calls.reported(call, work, end);
  return {
    describe: () => reported('describe', () => calls.describe(calls.checked(policy, stateful))),
    configure: (config) =>
      reported('configure', () => {
        instance = calls.configure(calls.checked(policy, stateful), config);
      }),
    decide: (round) =>
      reported('decide', () =>
        unsigned.answer(calls.decide(configured('decide'), unsigned.round(round))),
      ),
    save: () => reported('save', () => calls.save(configured('save'))),
    restore: (snapshot) =>
      reported('restore', () => calls.restore(configured('restore'), snapshot)),
  };
}
