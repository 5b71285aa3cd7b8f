// Best fit: each waiting task goes to the offer with the least room that still fits, so
// that agents fill up and large tasks find room elsewhere. See README.md.

import {
  Answer,
  Fitter,
  Order,
  Policy,
  Round,
  Weights,
  checkWeights,
  defaultWeights,
} from '@offerd/sdk';

interface Settings {
  /** How much each resource counts when offers are compared. */
  weights: Weights;
}

export default class BinPack implements Policy {
  static description = {
    name: 'bin-pack-ts',
    version: '0.1.0',
    summary: 'Fills agents up: takes the tightest offer with room.',
  };

  static settings: Settings = { weights: defaultWeights };

  private readonly order: Order;

  constructor({ weights }: Settings) {
    checkWeights(weights);
    this.order = Order.tightest(weights);
  }

  decide(round: Round, answer: Answer): void {
    const fitter = new Fitter(round, this.order);
    for (const waiting of round.waiting) {
      for (const spot of fitter.fill(waiting)) {
        answer.place(spot, waiting, spot.count).because('the tightest offer with room');
      }
    }
    answer.declineRest().because('nothing that waits fits');
  }
}
