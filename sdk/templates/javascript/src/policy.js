// A scheduling policy: each waiting task goes to the first offer with room.

import { Fitter, Order, PolicyError } from '@offerd/sdk';

export default class {{type}} {
  static description = {
    name: '{{name}}',
    version: '0.1.0',
    summary: 'Takes the first offer with room.',
  };

  /** The `config` table of the policy's `[[policy]]` entry, with the defaults. */
  static settings = {
    /** At most so many tasks are placed in one round. */
    most: 1_000_000,
  };

  constructor({ most }) {
    if (most < 1 || most % 1) throw new PolicyError(`most is ${most}; must be 1, 2, 3, ...`);
    this.most = most;
  }

  decide(round, answer) {
    let left = this.most;
    const fitter = new Fitter(round, Order.ARRIVAL);
    for (const waiting of round.waiting) {
      for (const spot of fitter.fill(waiting)) {
        const count = Math.min(spot.count, left);
        if (count === 0) break;
        answer.place(spot, waiting, count).because('the first offer with room');
        left -= count;
      }
    }
    answer.declineRest().because('nothing that waits fits');
  }
}
