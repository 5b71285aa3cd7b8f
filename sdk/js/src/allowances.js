// How many tasks of a constrained set an agent may still take. Asks the host for many
// agents at a time, and only for sets and agents that come into question. The questions
// are those of the other SDKs, so that a recorded run has the same ones.

import * as cluster from './cluster.js';
import { NONE } from './codes.js';

/** Agents in the first question about a set; the next ones are twice as large. */
const FIRST_WINDOW = 16;

export class Allowances {
  #sets = new Map();

  /** How many more tasks of the set the agent of the offer at this position may take. */
  left(offers, waiting, at) {
    let known = this.#sets.get(waiting.set);
    if (known === undefined) {
      known = { window: FIRST_WINDOW, left: new Map() };
      this.#sets.set(waiting.set, known);
    }
    const agent = offers[at].agent;
    const left = known.left.get(agent);
    if (left !== undefined) return left;
    const agents = [];
    for (let position = at; position < offers.length; position += 1) {
      const offer = offers[position];
      if (offer.role !== waiting.role) continue;
      if (agents.length >= known.window) break;
      if (!known.left.has(offer.agent)) {
        known.left.set(offer.agent, 0);
        agents.push(offer.agent);
      }
    }
    known.window *= 2;
    cluster.allowed(waiting.set, agents).forEach((count, position) => {
      known.left.set(agents[position], count);
    });
    return known.left.get(agent) ?? 0;
  }

  take(waiting, agent, count) {
    const known = this.#sets.get(waiting.set);
    const left = known?.left.get(agent) ?? NONE;
    if (left !== NONE) known.left.set(agent, Math.max(left - count, 0));
  }
}
