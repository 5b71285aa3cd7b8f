// Best fit: each waiting task goes to the offer with the least room that still fits, so
// that agents fill up and large tasks find room elsewhere. See README.md.

import { Fitter, Order, checkWeights, defaultWeights } from '@offerd/sdk';

export default class BinPack {
  static description = {
    name: 'bin-pack-js',
    version: '0.1.0',
    summary: 'Fills agents up: takes the tightest offer with room.',
  };

  static settings = {
    /** How much each resource counts when offers are compared. */
    weights: defaultWeights,
  };

  constructor({ weights }) {
    checkWeights(weights);
    this.order = Order.tightest(weights);
  }

  decide(round, answer) {
    const fitter = new Fitter(round, this.order);
    for (const waiting of round.waiting) {
      for (const spot of fitter.fill(waiting)) {
        answer.place(spot, waiting, spot.count).because('the tightest offer with room');
      }
    }
    answer.declineRest().because('nothing that waits fits');
  }
}
