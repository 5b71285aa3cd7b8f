// Turns the contract's calls into those of a policy's class. The glue of the two worlds
// calls this, and `testing.js`; a policy does not.
//
// A failure that a policy foresees (`PolicyError`) becomes the contract's error. Anything
// else that is thrown is written to the log at error level with its stack and then ends the
// instance.

import { Answer } from './answer.js';
import * as cluster from './cluster.js';
import { settings } from './config.js';
import { PolicyError } from './errors.js';
import * as log from './log.js';
import * as utf8 from './utf8.js';

/** The class, if it can be made a component. */
export function checked(policy, stateful = null) {
  const bad = (why) => {
    throw new TypeError(`the policy cannot be used: ${why}`);
  };
  if (typeof policy !== 'function' || typeof policy.prototype?.decide !== 'function') {
    bad('its file must export by default a class with a method decide(round, answer)');
  }
  const keeps = ['save', 'restore'].filter((name) => typeof policy.prototype[name] === 'function');
  if (stateful === true && keeps.length < 2) {
    bad(`policy.toml says state = true, so ${policy.name} needs the methods save and restore`);
  }
  if (stateful === false && keeps.length > 0) {
    bad(`${policy.name} has the method ${keeps[0]}; say state = true in policy.toml`);
  }
  return policy;
}

/** Who the policy is: a description, or what gives one. */
export function describe(policy) {
  const { description } = policy;
  for (const name of ['name', 'version', 'summary']) {
    if (typeof description?.[name] !== 'string') {
      throw new TypeError(`${policy.name} has no text static description.${name}`);
    }
  }
  const { name, version, summary } = description;
  return { name, version, summary };
}

export const configure = (policy, text) => new policy(settings(policy.settings, text));

/** One round of a policy, as in the host. */
export function decide(policy, round) {
  cluster.beginRound(round);
  const answer = new Answer();
  policy.decide(round, answer);
  return answer.record();
}

export function save(policy) {
  const { version, data } = policy.save();
  const bytes = typeof data === 'string' ? utf8.encode(data) : data;
  if (!Number.isInteger(version) || !(bytes instanceof Uint8Array)) {
    throw new TypeError('save must give { version, data }: a number, and bytes or a text');
  }
  return { version, data: bytes };
}

export function restore(policy, { version, data }) {
  policy.restore({
    version,
    // Not `Uint8Array.from`, which makes a value of each byte.
    data: new Uint8Array(data),
    get text() {
      return utf8.decode(this.data);
    },
  });
}

/**
 * Runs one of the contract's calls. What the policy foresees is thrown on, as the text that
 * the contract carries; for anything else the log says what happened, and `end` ends the
 * instance.
 */
export function reported(call, work, end) {
  try {
    return work();
  } catch (error) {
    if (error instanceof PolicyError) throw error.message;
    log.error(`${call}: ${log.trace(error)}`);
    return end();
  }
}
