// Placement by rules that operators write into the configuration, as expressions. See
// README.md.

import { Fitter, Order, PolicyError, cluster } from '@offerd/sdk';

import { compile } from './rules.js';

export default class Rules {
  static description = {
    name: 'rules',
    version: '0.1.0',
    summary: 'Places tasks where rules in the configuration say.',
  };

  static settings = {
    /** Each with `where`, `prefer` or both, and `when` it holds; see rules.js. */
    rules: [{ when: 'true', where: '', prefer: '' }],
  };

  constructor({ rules }) {
    // The default shows what a rule looks like; it says nothing.
    this.rules = rules.map((rule, at) => compile(rule, `config.rules[${at}]`));
    this.agents = new Map();
  }

  decide(round, answer) {
    const fitter = new Fitter(round, Order.tightest());
    // The SDK keeps details for longer; what is made of them is for one round.
    this.agents.clear();
    for (const waiting of round.waiting) {
      const { levels, because } = this.#levels(round, waiting);
      // The most preferred offers first.
      let left = waiting.count;
      for (const [, offers] of levels) {
        if (left === 0) break;
        const some = { ...waiting, count: left };
        for (const spot of fitter.fill(some, (offer) => offers.has(offer.offer))) {
          answer.place(spot, waiting, spot.count).because(because);
          left -= spot.count;
        }
      }
    }
    answer.declineRest().because('nothing that waits fits, or rules forbid it');
  }

  /** Offers that the rules allow for a waiting set, by preference, the largest first. */
  #levels(round, waiting) {
    const job = this.#job(waiting);
    const rules = this.rules.filter((rule) => rule.when(job, null));
    const levels = new Map();
    for (const offer of round.offers) {
      if (offer.role !== waiting.role) continue;
      const agent = this.#agent(offer);
      if (!rules.every((rule) => rule.where(job, agent))) continue;
      const preference = rules.reduce((sum, rule) => sum + rule.prefer(job, agent), 0);
      const offers = levels.get(preference);
      if (offers === undefined) levels.set(preference, new Set([offer.offer]));
      else offers.add(offer.offer);
    }
    const names = rules.map((rule) => rule.name).join(', ');
    return {
      levels: [...levels].sort(([a], [b]) => b - a),
      because: names === '' ? 'no rule says otherwise' : `by ${names}`,
    };
  }

  /** What rules see of a job. */
  #job(waiting) {
    const details = cluster.job(waiting);
    return {
      name: details?.name ?? '',
      role: details?.role ?? '',
      service: details?.kind === 'service',
      priority: waiting.priority,
      labels: Object.fromEntries((details?.labels ?? []).map(({ key, value }) => [key, value ?? ''])),
      cpus: waiting.cpus / 1000,
      mem: waiting.mem / 1000,
      gpus: waiting.gpus / 1000,
    };
  }

  /** What rules see of an agent. */
  #agent(offer) {
    const known = this.agents.get(offer.agent);
    if (known !== undefined) return known;
    const details = cluster.agent(offer);
    if (details === null) throw new PolicyError(`agent ${offer.agent} is unknown`);
    const agent = {
      hostname: details.hostname,
      region: details.region ?? '',
      zone: details.zone ?? '',
      attributes: Object.fromEntries(
        details.attributes.map(({ name, value }) => [
          name,
          value.tag === 'scalar' ? value.val / 1000 : value.val,
        ]),
      ),
    };
    this.agents.set(offer.agent, agent);
    return agent;
  }
}
