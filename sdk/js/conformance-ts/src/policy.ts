// The conformance guest of JavaScript with its decisions in TypeScript, so that the types of
// all of them are checked.

import { Answer, Policy, Round } from '@offerd/sdk';

import Conformance from '../../conformance/src/policy.js';
import { decideAll } from './decisions';

export default class Typed extends Conformance implements Policy {
  decide(round: Round, answer: Answer): void {
    if (this.config.includes('decide-all')) {
      this.report(round);
      decideAll(answer);
    } else {
      super.decide(round, answer);
    }
  }
}
