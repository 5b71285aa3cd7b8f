// What the host knows of agents, jobs and tasks, pulled on demand.
//
// Details of agents are kept for ten minutes, those of jobs for the round, so that
// asking again is cheap; do not change what you are given. All else asks the host each
// time. Unknown and outdated handles give `null` or an empty list. Where a handle is
// taken, so is a record that has it: `agent(offer)`, `job(task)`.

import { host } from './host.js';

const KEEP_AGENTS_MS = 600_000;
/** A policy that runs for years must not grow without bound. */
const MOST_AGENTS = 100_000;

let time = 0;
let agents = new Map();
let jobs = new Map();

const handle = (value, field) => (typeof value === 'number' ? value : value[field]);

/** Names of the framework's roles; a role's handle is its position. */
export const roles = () => host.cluster.roles();

/** Name of a role, or of the role of a record. */
export const roleName = (role) => roles()[handle(role, 'role')] ?? null;

/** Id, name and user of the framework. */
export const framework = () => host.cluster.getFramework();

/** The limits that the host puts on this policy. */
export const limits = () => host.cluster.getLimits();

/** Id, host name, region, zone and attributes of an agent. */
export function agent(agent) {
  const key = handle(agent, 'agent');
  const known = agents.get(key);
  if (known !== undefined && time - known.at < KEEP_AGENTS_MS) return known.details;
  const details = host.cluster.getAgent(key) ?? null;
  // Without a host name the host knows no more than the id: there was no offer yet.
  if (details === null || details.hostname === '') return details;
  if (agents.size >= MOST_AGENTS) agents.clear();
  agents.set(key, { at: time, details });
  return details;
}

/** Name, kind, count, priority, labels and constraints of a job. */
export function job(job) {
  const key = handle(job, 'job');
  let details = jobs.get(key);
  if (details === undefined) {
    details = host.cluster.getJob(key) ?? null;
    jobs.set(key, details);
  }
  return details;
}

/** The complete offer: resources with reservations and disks, executors. */
export const offer = (offer) => host.cluster.getOffer(handle(offer, 'offer')) ?? null;

/** The whole offer in Mesos's JSON form. */
export const offerJson = (offer) => host.cluster.getOfferJson(handle(offer, 'offer')) ?? null;

/** Thousandths of any named scalar in each offer of the round, in their order. */
export const column = (name) => host.cluster.column(name);

/**
 * For each agent, how many more tasks of the waiting set its job's constraints allow
 * there; `NONE`: no bound. `Fitter` asks this by itself.
 */
export const allowed = (set, agents) =>
  host.cluster.allowed(handle(set, 'set'), agents);

/** All tasks of the policy's roles that are not terminal, older first. */
export const tasks = () => host.cluster.tasks();
export const tasksOfJob = (job) => host.cluster.tasksOfJob(handle(job, 'job'));
export const tasksOnAgent = (agent) => host.cluster.tasksOnAgent(handle(agent, 'agent'));

/** One task, if it is not terminal. */
export const task = (task) => host.cluster.getTask(handle(task, 'task')) ?? null;

/**
 * Id, name, message, labels and resources of a task. Knows a terminal task until the end
 * of the round that reported it.
 */
export const taskDetails = (task) => host.cluster.getTaskDetails(handle(task, 'task')) ?? null;

/** Handle of the task with this id. */
export const findTask = (id) => host.cluster.findTask(id) ?? null;

/**
 * Latest status of each operation that has an id and has not ended, or ended since the
 * last round.
 */
export const operations = () => host.cluster.operations();

/** The first attribute of this name as text; `null` if there is none. */
export function attribute(agent, name) {
  const found = agent?.attributes.find((one) => one.name === name);
  if (found === undefined) return null;
  const { tag, val } = found.value;
  if (tag === 'text') return val;
  if (tag === 'scalar') return String(val / 1000);
  if (tag === 'ranges') return `[${val.map((one) => `${one.begin}-${one.end}`).join(', ')}]`;
  return `{${val.join(', ')}}`;
}

/** Lets go of what may have changed since the last round. For `export.js`. */
export function beginRound(round) {
  time = round.now;
  jobs.clear();
  if (round.events.some((event) => event.tag === 'subscribed')) agents.clear();
}

/** Forgets everything, as a new instance has. For `testing.js`. */
export function forget() {
  time = 0;
  agents = new Map();
  jobs = new Map();
}
