// One number for how much room an offer has, and orders made of it. The formula and the
// order of its operations are those of the other SDKs, so that the same round gives the
// same decisions to the last bit in every language.

import { PolicyError } from './errors.js';

/**
 * How much each resource counts for the room of an offer: by its share of all that is
 * offered to the role, times its weight. One that no waiting task needs counts nothing,
 * except GPUs: tasks that need none had better leave them free.
 */
export const defaultWeights = Object.freeze({ cpus: 1, mem: 1, disk: 1, gpus: 4, ports: 0 });

/** Checks weights that come from a config. */
export function checkWeights(weights) {
  for (const name of Object.keys(defaultWeights)) {
    const weight = weights[name];
    if (!(weight >= 0 && weight <= 1e6)) {
      throw new PolicyError(
        `config.weights.${name}: ${weight} is no weight; it must be from 0 to 1000000`,
      );
    }
  }
}

/** Which of the offers that fit is taken first. */
export const Order = Object.freeze({
  /** The one that arrived first. */
  ARRIVAL: Object.freeze({ kind: 'arrival', weights: null }),
  /** The one with the least room: best fit. Keeps others free for large tasks. */
  tightest: (weights = defaultWeights) => ({ kind: 'tightest', weights }),
  /** The one with the most room: spreads tasks. */
  roomiest: (weights = defaultWeights) => ({ kind: 'roomiest', weights }),
});

const share = (weight, wanted, total) => (wanted && total > 0 ? Math.max(weight, 0) / total : 0);

/** Weights for thousandths. Larger amounts never give a smaller score. */
export class Score {
  /** `most` is the most that any waiting task needs, `total` all that is offered. */
  constructor(weights, most, total) {
    const of = weights ?? { cpus: 0, mem: 0, disk: 0, gpus: 0, ports: 0 };
    this.cpus = share(of.cpus, most.cpus > 0, total.cpus);
    this.mem = share(of.mem, most.mem > 0, total.mem);
    this.disk = share(of.disk, most.disk > 0, total.disk);
    this.gpus = share(of.gpus, true, total.gpus);
    this.ports = share(of.ports, most.ports > 0, total.ports);
  }

  of(cpus, mem, disk, gpus, ports) {
    return (
      cpus * this.cpus + mem * this.mem + disk * this.disk + gpus * this.gpus + ports * this.ports
    );
  }
}
