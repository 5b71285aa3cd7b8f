// Write scheduling policies for offerd in JavaScript and TypeScript.
//
// A policy is the class that `src/policy.js` exports by default: the host shows it a
// round (offers, waiting tasks, what happened) and it puts decisions into an answer.
// See README.md; `@offerd/sdk/testing` stands in for the host in tests.

export { Amounts, milli } from './src/amounts.js';
export { Answer } from './src/answer.js';
export * as clock from './src/clock.js';
export * as cluster from './src/cluster.js';
export {
  NONE,
  OfferTrait,
  OperationState,
  Reason,
  Source,
  TaskState,
  TaskTrait,
  UpdateTrait,
  WaitingTrait,
} from './src/codes.js';
export { Fitter } from './src/fit.js';
export { Order, checkWeights, defaultWeights } from './src/score.js';
export * as log from './src/log.js';
export * as metrics from './src/metrics.js';
export { PolicyError } from './src/errors.js';
export * as random from './src/random.js';
export * as resource from './src/resource.js';
