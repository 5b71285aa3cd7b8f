// The answer to a round, as a policy builds it: decisions, each with a reason if the policy
// gives one.
//
//     answer.place(spot, waiting, spot.count).because('the first offer with room');
//
// Where a handle is taken, so is a record that has it. Times are milliseconds. The host
// checks the decisions; `@offerd/sdk/testing` does in tests.

import { encoded } from './resource.js';

/** Leaves a time to the host. */
const HOSTS_CHOICE = -1;

function handle(value, field) {
  const found = typeof value === 'number' ? value : value?.[field];
  if (Number.isInteger(found) && found >= 0) return found;
  throw new TypeError(`${text(value)} is no ${field}: it must be a handle or a record with one`);
}

function text(value) {
  return JSON.stringify(value) ?? String(value);
}

function time(milliseconds) {
  if (typeof milliseconds === 'number') return milliseconds;
  throw new TypeError(`${text(milliseconds)} is no time: it must be a number of milliseconds`);
}

/** A decision that was just made; says why, and for how long. */
class Decided {
  #answer;
  #decision;
  #times;

  constructor(answer, decision, times = decision) {
    this.#answer = answer;
    this.#decision = decision;
    this.#times = times;
  }

  because(reason) {
    this.#decision.reason = this.#answer.reason(reason);
    return this;
  }

  refuse(milliseconds) {
    this.#times.refuse = time(milliseconds);
    return this;
  }

  grace(milliseconds) {
    this.#times.grace = time(milliseconds);
    return this;
  }
}

/** The accept that is being built, operation by operation, in this order. */
class Accepted {
  #answer;
  #action;
  #accept;

  constructor(answer, action, accept) {
    this.#answer = answer;
    this.#action = action;
    this.#accept = accept;
  }

  operation(tag, val) {
    this.#accept.operations.push({ tag, val });
    return this;
  }

  launch(...tasks) {
    return this.operation('launch', tasks.map(encoded));
  }

  place(set, count) {
    return this.operation('place', { set: handle(set, 'set'), count });
  }

  launchGroup(executor, ...tasks) {
    return this.operation('launch-group', {
      executor: encoded(executor),
      tasks: tasks.map(encoded),
    });
  }

  reserve(...resources) {
    return this.operation('reserve', { id: null, source: [], resources });
  }

  unreserve(...resources) {
    return this.operation('unreserve', { id: null, resources });
  }

  create(...resources) {
    return this.operation('create', { id: null, resources });
  }

  destroy(...resources) {
    return this.operation('destroy', { id: null, resources });
  }

  growVolume(volume, addition) {
    return this.operation('grow-volume', { id: null, volume, addition });
  }

  shrinkVolume(volume, subtract) {
    return this.operation('shrink-volume', { id: null, volume, subtract });
  }

  createDisk(source, target, targetProfile = null) {
    return this.operation('create-disk', { id: null, source, target, targetProfile });
  }

  destroyDisk(source) {
    return this.operation('destroy-disk', { id: null, source });
  }

  withId(id) {
    const last = this.#accept.operations.at(-1);
    if (last === undefined || ['launch', 'place', 'launch-group'].includes(last.tag)) {
      throw new TypeError(`withId(${text(id)}): only reservations, volumes and disks have ids`);
    }
    last.val.id = id;
    return this;
  }

  refuse(milliseconds) {
    this.#accept.refuse = time(milliseconds);
    return this;
  }

  because(reason) {
    this.#action.reason = this.#answer.reason(reason);
    return this;
  }
}

/**
 * Decisions of one round. The host carries them out in this order: kills, placements,
 * declines, actions, and `declineRest` last. Nothing decided: everything stays as it is.
 */
export class Answer {
  placements = [];
  declines = [];
  kills = [];
  actions = [];
  rest = null;
  leftover = HOSTS_CHOICE;
  reasons = [];
  #numbers = new Map([['', 0]]);

  place(offer, set, count) {
    if (!Number.isInteger(count) || count < 0) {
      throw new TypeError(`place: ${text(count)} is no count`);
    }
    const placement = {
      offer: handle(offer, 'offer'),
      set: handle(set, 'set'),
      count,
      reason: 0,
    };
    this.placements.push(placement);
    return new Decided(this, placement);
  }

  decline(offer) {
    const decline = { offer: handle(offer, 'offer'), refuse: HOSTS_CHOICE, reason: 0 };
    this.declines.push(decline);
    return new Decided(this, decline);
  }

  declineRest() {
    this.rest = { refuse: HOSTS_CHOICE, reason: 0 };
    return new Decided(this, this.rest);
  }

  kill(task) {
    const kill = { task: handle(task, 'task'), grace: HOSTS_CHOICE, reason: 0 };
    this.kills.push(kill);
    return new Decided(this, kill);
  }

  accept(...offers) {
    const accept = {
      offers: offers.map((offer) => handle(offer, 'offer')),
      operations: [],
      refuse: HOSTS_CHOICE,
    };
    const action = { action: { tag: 'accept', val: accept }, reason: 0 };
    this.actions.push(action);
    return new Accepted(this, action, accept);
  }

  leftoverFor(milliseconds) {
    this.leftover = time(milliseconds);
  }

  revive(...roles) {
    return this.act('revive', roles.map((role) => handle(role, 'role')));
  }

  suppress(...roles) {
    return this.act('suppress', roles.map((role) => handle(role, 'role')));
  }

  shutdown(agent, executorId) {
    return this.act('shutdown', { agent: handle(agent, 'agent'), executorId });
  }

  message(agent, executorId, data) {
    return this.act('message', { agent: handle(agent, 'agent'), executorId, data });
  }

  request(...requests) {
    return this.act('request', requests);
  }

  reconcile(...tasks) {
    return this.act('reconcile', tasks.map((task) => handle(task, 'task')));
  }

  reconcileOperations(...queries) {
    return this.act('reconcile-operations', queries);
  }

  acceptInverse(...offers) {
    return this.#inverse('accept-inverse-offers', offers);
  }

  declineInverse(...offers) {
    return this.#inverse('decline-inverse-offers', offers);
  }

  #inverse(tag, offers) {
    const inverseOffers = offers.map((offer) => handle(offer, 'inverseOffer'));
    return this.act(tag, { inverseOffers, refuse: HOSTS_CHOICE });
  }

  updateFramework({ framework = null, constraints = null }) {
    return this.act('update-framework', {
      framework: framework === null ? null : encoded(framework),
      constraints: constraints === null ? null : encoded(constraints),
    });
  }

  timer(number, after) {
    return this.act('timer', { number, after: time(after) });
  }

  cancelTimer(number) {
    return this.act('timer', { number, after: HOSTS_CHOICE });
  }

  act(tag, val) {
    const action = { action: { tag, val }, reason: 0 };
    this.actions.push(action);
    return new Decided(this, action, val);
  }

  reason(sentence) {
    let number = this.#numbers.get(sentence);
    if (number === undefined) {
      if (typeof sentence !== 'string') {
        throw new TypeError(`because: ${text(sentence)} is no text`);
      }
      number = this.reasons.push(sentence);
      this.#numbers.set(sentence, number);
    }
    return number;
  }

  /** The contract's form. */
  record() {
    const { placements, declines, kills, actions, rest, leftover, reasons } = this;
    return { placements, declines, kills, actions, rest, leftover, reasons };
  }
}
