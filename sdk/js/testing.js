// A stand-in for the host, so that a policy is tested without one: a small cluster made by
// hand, rounds of it, and a check of the answers. For `node --test` or any other runner.

import { Amounts } from './src/amounts.js';
import * as cluster from './src/cluster.js';
import { NONE, OfferTrait, TaskState, TaskTrait, UpdateTrait, WaitingTrait } from './src/codes.js';
import * as calls from './src/export.js';
import { connect } from './src/host.js';
import { violations } from './src/violations.js';

export { violations };

/** Decisions that the host would refuse. */
export class Refused extends Error {
  name = 'Refused';
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

/** Scalars that an offer's record has itself. */
const OWN = ['cpus', 'mem', 'disk', 'gpus'];

const copy = (value) => structuredClone(value);

/** The contract's imports, answered from a test cluster. */
function interfaces(state) {
  const details = (list, key) => copy(list[key] ?? null);
  return {
    clock: { now: () => state.now },
    random: {
      // Numerical Recipes' generator: the same numbers in each run.
      nextU32: () => (state.seed = (Math.imul(state.seed, 1_664_525) + 1_013_904_223) >>> 0),
      nextF64() {
        return this.nextU32() / 2 ** 32;
      },
    },
    logging: {
      enabled: (level) => LEVELS.indexOf(level) >= LEVELS.indexOf(state.level),
      log: (level, message) => state.log.push([level, message]),
    },
    metrics: {
      count: (name, amount) => state.metrics.set(name, (state.metrics.get(name) ?? 0) + amount),
      gauge: (name, value) => state.metrics.set(name, value),
    },
    cluster: {
      roles: () => [...state.roles],
      getFramework: () => copy(state.framework),
      getLimits: () => copy(state.limits),
      getAgent: (agent) => details(state.agents, agent),
      getOffer: (offer) => copy(state.offerDetails.get(offer) ?? null),
      getOfferJson: (offer) => state.offerJson.get(offer) ?? null,
      column: (name) => {
        const own = (offer) => (OWN.includes(name) ? offer[name] : 0);
        return state.offers.map(
          (offer) => state.columns.get(name)?.get(offer.offer) ?? own(offer),
        );
      },
      getJob: (job) => details(state.jobs, job),
      allowed: (set, agents) => {
        const waiting = state.waiting.find((one) => one.set === set);
        if (waiting === undefined) return [];
        const bound = waiting.traits & WaitingTrait.CONSTRAINED;
        const of = (agent) => (bound ? (state.allowed.get(`${set} ${agent}`) ?? 0) : NONE);
        return agents.map((agent) => (state.agents[agent] === undefined ? 0 : of(agent)));
      },
      tasks: () => copy(state.tasks),
      tasksOfJob: (job) => copy(state.tasks.filter((task) => task.job === job)),
      tasksOnAgent: (agent) => copy(state.tasks.filter((task) => task.agent === agent)),
      getTask: (task) => copy(state.tasks.find((one) => one.task === task) ?? null),
      getTaskDetails: (task) => details(state.taskDetails, task),
      findTask: (id) => {
        const found = state.taskDetails.findIndex((one) => one.id === id);
        return found < 0 ? null : found;
      },
      operations: () => copy(state.operations),
    },
  };
}

/** An empty cluster with these roles. Handles are small numbers, each kind from 0. */
export class Cluster {
  /** What the stand-in answers from; may be changed. */
  state;
  #updates = [];
  #events = [];
  #rescinded = [];
  #rounds = 0;
  #offers = 0;
  #tasks = 0;
  #sets = 0;

  constructor(...roles) {
    this.state = {
      now: 1_700_000_000_000,
      seed: 1,
      roles,
      framework: { id: 'framework-1', name: 'test', user: 'root' },
      limits: {
        callDeadline: 1000,
        memory: 256 * 2 ** 20,
        offerLease: 30_000,
        offersPerRound: 10_000,
        waitingPerRound: 10_000,
        logLines: 100,
      },
      agents: [],
      offers: [],
      offerDetails: new Map(),
      offerJson: new Map(),
      columns: new Map(),
      jobs: [],
      tasks: [],
      taskDetails: [],
      operations: [],
      waiting: [],
      allowed: new Map(),
      level: 'trace',
      log: [],
      metrics: new Map(),
    };
  }

  get log() {
    return this.state.log;
  }

  get metrics() {
    return this.state.metrics;
  }

  get tasks() {
    return this.state.tasks;
  }

  get offers() {
    return this.state.offers;
  }

  get waiting() {
    return this.state.waiting;
  }

  agent(hostname, attributes = {}, zone = null) {
    const handle = this.state.agents.length;
    this.state.agents.push({
      id: `agent-${handle}`,
      hostname,
      region: zone === null ? null : 'region',
      zone,
      attributes: Object.entries(attributes).map(([name, val]) => ({
        name,
        value: { tag: 'text', val },
      })),
    });
    return handle;
  }

  role(name) {
    const handle = this.state.roles.indexOf(name);
    if (handle < 0) {
      throw new Error(`the test cluster has no role ${name}, only ${this.state.roles.join(', ')}`);
    }
    return handle;
  }

  offer(agent, role, amounts, traits = 0) {
    const offer = this.#offers++;
    const { cpus, mem, disk, gpus, ports } = Amounts.of(amounts);
    this.state.offers.push({
      offer,
      agent,
      role: this.role(role),
      ports,
      cpus,
      mem,
      disk,
      gpus,
      traits: traits | OfferTrait.FRESH,
      since: this.state.now,
    });
    return offer;
  }

  offerResources(offer, resources) {
    const details = { id: `offer-${offer}`, resources, executorIds: [], unavailability: null };
    this.state.offerDetails.set(offer, details);
  }

  offerColumn(offer, name, milli) {
    const columns = this.state.columns;
    if (!columns.has(name)) columns.set(name, new Map());
    columns.get(name).set(offer, milli);
  }

  rescind(offer) {
    this.state.offers = this.state.offers.filter((other) => other.offer !== offer);
    this.#rescinded.push(offer);
  }

  wait(job) {
    const set = this.#sets++;
    const needs = Amounts.of(job.needs);
    const traits =
      (job.constrained ? WaitingTrait.CONSTRAINED : 0) | (job.service ? WaitingTrait.SERVICE : 0);
    const waiting = {
      set,
      job: this.#job(job),
      role: this.role(job.role),
      count: job.count ?? 1,
      ...needs,
      priority: job.priority ?? 0,
      traits,
      since: this.state.now,
    };
    // As the host does: larger priority first, then older first.
    const list = this.state.waiting;
    const at = list.findIndex((other) => other.priority < waiting.priority);
    list.splice(at < 0 ? list.length : at, 0, waiting);
    return set;
  }

  allow(set, agent, count = NONE) {
    this.state.allowed.set(`${set} ${agent}`, count);
  }

  run(job, agent) {
    return Array.from({ length: job.count ?? 1 }, () => this.#launch(job, agent));
  }

  end(task, state = TaskState.FINISHED) {
    const ended = this.state.tasks.find((one) => one.task === task);
    if (ended === undefined) throw new Error(`task ${task} does not run`);
    this.state.tasks = this.state.tasks.filter((one) => one !== ended);
    this.update(ended, state, UpdateTrait.TERMINAL);
  }

  update(task, state, traits = 0) {
    if (!(traits & UpdateTrait.TERMINAL)) task.state = state;
    this.#updates.push({
      task: task.task,
      job: task.job,
      agent: task.agent,
      state,
      reason: NONE,
      source: NONE,
      traits,
      at: this.state.now,
    });
  }

  tell(tag, val) {
    this.#events.push({ tag, val });
  }

  advance(milliseconds) {
    this.state.now += milliseconds;
  }

  round() {
    return {
      number: this.#rounds + 1,
      now: this.state.now,
      offers: copy(this.state.offers),
      waiting: copy(this.state.waiting),
      updates: copy(this.#updates),
      rescinded: [...this.#rescinded],
      events: copy(this.#events),
    };
  }

  describe(policy) {
    return this.#asked(() => calls.describe(calls.checked(policy)));
  }

  configure(policy, config = {}) {
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    cluster.forget();
    return this.#asked(() => calls.configure(calls.checked(policy), text));
  }

  decide(policy) {
    const shown = this.round();
    const answer = this.#asked(() => calls.decide(policy, this.round()));
    const wrong = violations(shown, this.state.tasks, answer);
    if (wrong.length > 0) throw new Refused(`the host would refuse: ${wrong.join('; ')}`);
    this.#rounds += 1;
    this.#updates = [];
    this.#events = [];
    this.#rescinded = [];
    this.#carryOut(answer);
    return answer;
  }

  restart(policy, config = {}) {
    const saved = this.#asked(() => calls.save(policy));
    const fresh = this.configure(policy.constructor, config);
    this.#asked(() => calls.restore(fresh, saved));
    return fresh;
  }

  /** Runs something that may ask the host. */
  #asked(work) {
    const before = connect(interfaces(this.state));
    try {
      return work();
    } finally {
      connect(before);
    }
  }

  #carryOut(answer) {
    for (const { task } of answer.kills) this.end(task, TaskState.KILLED);
    const used = new Set(answer.declines.map((decline) => decline.offer));
    for (const { offer, set, count } of answer.placements) {
      used.add(offer);
      this.#place(offer, set, count);
    }
    for (const { action } of answer.actions) {
      if (action.tag === 'accept') for (const offer of action.val.offers) used.add(offer);
    }
    const stays = (offer) => answer.rest === null && !used.has(offer.offer);
    this.state.offers = this.state.offers.filter(stays);
    for (const offer of this.state.offers) offer.traits &= ~OfferTrait.FRESH;
    this.state.waiting = this.state.waiting.filter((waiting) => waiting.count > 0);
  }

  #place(offer, set, count) {
    const { agent } = this.state.offers.find((one) => one.offer === offer);
    const waiting = this.state.waiting.find((one) => one.set === set);
    waiting.count -= count;
    const job = this.state.jobs[waiting.job];
    for (let at = 0; at < count; at += 1) {
      this.#launched(waiting.job, job.name, agent, waiting);
    }
    const key = `${set} ${agent}`;
    const left = this.state.allowed.get(key) ?? NONE;
    if (left !== NONE) this.state.allowed.set(key, Math.max(left - count, 0));
  }

  #launch(job, agent) {
    const like = {
      role: this.role(job.role),
      priority: job.priority ?? 0,
      traits: job.service ? WaitingTrait.SERVICE : 0,
      ...Amounts.of(job.needs),
    };
    return this.#launched(this.#job(job), job.name, agent, like);
  }

  #launched(job, name, agent, { role, priority, traits, ports, cpus, mem, disk, gpus }) {
    const task = this.#tasks++;
    this.state.tasks.push({
      task,
      job,
      agent,
      role,
      state: TaskState.RUNNING,
      priority,
      traits: traits & WaitingTrait.SERVICE ? TaskTrait.SERVICE : 0,
      ports,
      cpus,
      mem,
      disk,
      gpus,
      since: this.state.now,
    });
    this.state.taskDetails[task] = {
      id: `${name}.${task}`,
      name,
      executorId: null,
      message: null,
      launchedBecause: null,
      labels: [],
      resources: [],
    };
    return task;
  }

  #job(job) {
    const known = this.state.jobs.findIndex((one) => one.name === job.name);
    if (known >= 0) return known;
    return (
      this.state.jobs.push({
        name: job.name,
        role: job.role,
        kind: job.service ? 'service' : 'batch',
        count: job.count ?? 1,
        priority: job.priority ?? 0,
        labels: [],
        constraints: [],
      }) - 1
    );
  }
}
