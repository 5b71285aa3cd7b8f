// Rules: expressions in JavaScript over `job` and `agent`, compiled once. They run in the
// policy's sandbox: beside their two arguments there are the language's own objects.

import { PolicyError } from '@offerd/sdk';

/** A function of an expression that says where it stands if it fails. */
function expression(text, path, usual, check) {
  if (text === '') return () => usual;
  let made;
  try {
    made = new Function('job', 'agent', `"use strict"; return (${text}\n);`);
  } catch (error) {
    throw new PolicyError(`${path}: ${error.message} in: ${text}`);
  }
  return (job, agent) => {
    let value;
    try {
      value = made(job, agent);
    } catch (error) {
      throw new PolicyError(`${path}: ${error.message} in: ${text} (job ${job.name})`);
    }
    return check(value, `${path}: ${text} (job ${job.name})`);
  };
}

const truth = (value) => Boolean(value);

function number(value, where) {
  // No preference is what an expression like `agent.attributes.weight` gives where there is none.
  if (value === undefined || value === null || value === false) return 0;
  if (value === true) return 1;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new PolicyError(`${where}: ${JSON.stringify(value)} is no preference; it must be a number`);
}

export function compile({ when, where, prefer }, path) {
  for (const [name, text] of Object.entries({ when, where, prefer })) {
    if (text !== undefined && typeof text !== 'string') {
      throw new PolicyError(`${path}.${name}: ${JSON.stringify(text)} is no expression`);
    }
  }
  return {
    name: path.replace('config.', ''),
    when: expression(when ?? 'true', `${path}.when`, true, truth),
    where: expression(where ?? '', `${path}.where`, true, truth),
    prefer: expression(prefer ?? '', `${path}.prefer`, 0, number),
  };
}
