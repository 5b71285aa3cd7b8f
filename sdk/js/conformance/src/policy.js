// The conformance guest: a policy that uses all of the contract.
//
// It shows everything it is given and everything it can ask for, as reasons in JSON, or makes
// every decision, or does what no policy should, as its configuration says. The guests of all
// languages show the same; the suite in sdk/conformance compares them. Not a policy to use.

import { PolicyError, clock, cluster, log, metrics, random } from '@offerd/sdk';

import { decideAll } from './decisions.js';
import * as limits from './limits.js';
import { weighed } from './weigh.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

/** Fields that are u64, which JSON shows as text. */
const WIDE = ['memory', 'begin', 'end'];

const snake = (name) =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll('-', '_');

/** A value of the contract in the form that all languages show. */
function plain(value, field = '') {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map((item) => plain(item));
  // An unavailability's `begin` is a time; a range's is a u64.
  if (typeof value !== 'object') return WIDE.includes(field) ? String(value) : value;
  if ('tag' in value && 'val' in value) return { [snake(value.tag)]: plain(value.val) };
  const wide = !('duration' in value);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [snake(name), plain(item, wide ? name : '')]),
  );
}

const text = (seen) => JSON.stringify(plain(seen));

/** The round itself. */
const shown = (round) => [
  ['round', round.number, round.now],
  ...round.offers.map((offer) => ['offer', offer]),
  ...round.waiting.map((waiting) => ['waiting', waiting]),
  ...round.updates.map((update) => ['update', update]),
  ['rescinded', [...round.rescinded]],
  ...round.events.map((event) => ['event', event]),
];

/** All that the host knows about what is in the round. */
function asked(round) {
  const drawn = ['random', random.nextU32()];
  const part = random.next();
  const seen = [
    ['clock', clock.now()],
    drawn,
    ['random01', part >= 0 && part < 1],
    ['framework', cluster.framework()],
  ];
  const handles = (tasks) => tasks.map((task) => task.task);
  for (const offer of round.offers) {
    seen.push(
      ['agent', cluster.agent(offer)],
      ['details', cluster.offer(offer)],
      ['json', cluster.offerJson(offer)],
      ['on_agent', offer.agent, handles(cluster.tasksOnAgent(offer))],
    );
  }
  for (const name of ['fpgas', 'cpus']) seen.push(['column', name, [...cluster.column(name)]]);
  const agents = round.offers.map((offer) => offer.agent);
  for (const waiting of round.waiting) {
    seen.push(
      ['job', cluster.job(waiting)],
      ['of_job', waiting.job, handles(cluster.tasksOfJob(waiting))],
      ['allowed', waiting.set, cluster.allowed(waiting, agents)],
    );
  }
  for (const task of cluster.tasks()) seen.push(['task', task]);
  for (const update of round.updates) {
    const details = cluster.taskDetails(update);
    seen.push(['get_task', cluster.task(update)], ['task_details', details]);
    if (details !== null) seen.push(['find', details.id, cluster.findTask(details.id)]);
  }
  seen.push(['find', 'nobody', cluster.findTask('nobody')]);
  for (const operation of cluster.operations()) seen.push(['operation', operation]);
  return seen;
}

export default class Conformance {
  static get description() {
    log.debug('describe');
    return { name: 'conformance', version: '0.1.0', summary: 'Uses all of the contract' };
  }

  static settings = String;

  constructor(config) {
    if (config.includes('refuse')) {
      throw new PolicyError(`config ${config}: 'refuse' is not allowed; leave it out`);
    }
    if (config.includes('throw-configure')) {
      throw new Error('conformance throws in configure');
    }
    this.config = config;
    /** What is saved. */
    this.kept = 'conformance';
    /** Shown in the first round. */
    this.remembered = [
      ['config', this.weighs ? weighed(config) : config],
      ['roles', cluster.roles()],
      ['framework', cluster.framework()],
      ['limits', cluster.limits()],
      ['now', clock.now()],
    ];
  }

  get weighs() {
    return this.config.includes('weigh');
  }

  restore({ version, data }) {
    if (this.config.includes('throw-restore')) throw new Error('conformance throws in restore');
    if (version !== 1) throw new PolicyError(`layout ${version} is not 1`);
    if (this.weighs) this.kept = data;
    this.remembered.push(['restored', version, this.weighs ? weighed(data) : data]);
  }

  save() {
    if (this.config.includes('throw-save')) throw new Error('conformance throws in save');
    if (this.config.includes('save-fails')) throw new PolicyError('nothing to save');
    return { version: 1, data: this.kept };
  }

  decide(round, answer) {
    if (this.config.includes('throw-decide')) throw new Error('conformance throws in decide');
    if (this.config.includes('error-decide')) {
      throw new PolicyError(`no decision in round ${round.number}`);
    }
    this.report(round);
    if (this.config.includes('decide-all')) {
      decideAll(answer);
      return;
    }
    limits.test(this.config);
    // Not by `because`, which keeps the same sentence once.
    answer.reasons.push(...this.seen(round));
    this.remembered = [];
  }

  report(round) {
    for (const level of LEVELS) log.write(level, `round ${round.number} at ${level}`);
    metrics.count('rounds', 1);
    metrics.gauge('offers', round.offers.length);
  }

  /** What there is to see, as the reasons of the answer. */
  seen(round) {
    if (this.config.includes('large-answer')) return Array(20).fill('r'.repeat(1 << 20));
    if (this.config.includes('echo')) return [text(['echo', this.config])];
    return [...this.remembered, ...shown(round), ...asked(round)].map(text);
  }
}
