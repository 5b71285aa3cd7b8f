// The types of the SDK. Those of the contract are in contract.d.ts.

import type * as contract from './contract.js';

export type * from './contract.js';

type Round = contract.Round;
type Waiting = contract.Waiting;

/** An offer's, a waiting set's or a task's amounts, in thousandths. */
export interface HasAmounts {
  cpus: number;
  mem: number;
  disk: number;
  gpus: number;
  ports: number;
}

/** A handle, or a record that has it. */
export type OfferRef = number | { offer: number };
export type SetRef = number | { set: number };
export type TaskRef = number | { task: number };
export type AgentRef = number | { agent: number };
export type JobRef = number | { job: number };
export type RoleRef = number | { role: number };
export type InverseOfferRef = number | { inverseOffer: number };

/** A message of Mesos's v1 API: an object with Mesos's field names, or protobuf bytes. */
export type Message = contract.Encoded | Uint8Array | Record<string, unknown>;

/** What a policy wants to find again after its instance ended. */
export interface Snapshot {
  /** The policy's own version of the layout. */
  version: number;
  /** At most 16 MiB. */
  data: Uint8Array | string;
}

/** What is given back. */
export interface Saved {
  version: number;
  data: Uint8Array;
  /** `data` as a text. */
  readonly text: string;
}

/**
 * A scheduling policy. The host makes one object and calls `decide`, one call at a time. The
 * same rounds must give the same decisions: time and random numbers come from the host.
 */
export interface Policy {
  /**
   * One round: looks at what is there and puts decisions into `answer`. Offers that no
   * decision names stay held and are shown again.
   */
  decide(round: Round, answer: Answer): void;
  /** With `state = true` in policy.toml. Must not change what later rounds decide. */
  save?(): Snapshot;
  /** Called once, before the first round, perhaps with what another build saved. */
  restore?(saved: Saved): void;
}

/** What `src/policy.js` or `src/policy.ts` exports by default. */
export interface PolicyClass<Settings = unknown> {
  /** Who this is. Read by tools too: no host functions but the log. */
  readonly description: contract.Description;
  /**
   * The settings with their defaults, whose types say what can be set; `String` for the JSON
   * text of the `config` table, `Object` for the table as it is. Without it there are none.
   */
  readonly settings?: Settings | StringConstructor | ObjectConstructor;
  /** Throws `PolicyError` if the settings cannot be. */
  new (settings: any): Policy;
}

export class PolicyError extends Error {}

/** The largest u32: no number, no bound. */
export const NONE: 4294967295;

export const OfferTrait: Readonly<
  Record<
    | 'FRESH'
    | 'RESERVED'
    | 'REVOCABLE'
    | 'VOLUMES'
    | 'DISK_SOURCES'
    | 'GOING_AWAY'
    | 'OTHER_RESOURCES',
    number
  >
>;
export const WaitingTrait: Readonly<Record<'CONSTRAINED' | 'SERVICE' | 'RETRY', number>>;
export const TaskTrait: Readonly<
  Record<'BEING_KILLED' | 'SERVICE' | 'HEALTHY' | 'UNHEALTHY' | 'QUARANTINED', number>
>;
export const UpdateTrait: Readonly<
  Record<'TERMINAL' | 'RECONCILIATION' | 'HEALTHY' | 'UNHEALTHY', number>
>;
/** Names of Mesos's numbers. A newer Mesos may give others. */
export type Codes<Name extends string> = Readonly<
  Record<Name, number> & {
    /** Mesos's name; the number as text if this SDK does not know it. */
    nameOf(number: number): string;
  }
>;

/** States of a task. */
export const TaskState: Codes<
  | 'STARTING'
  | 'RUNNING'
  | 'FINISHED'
  | 'FAILED'
  | 'KILLED'
  | 'LOST'
  | 'STAGING'
  | 'ERROR'
  | 'KILLING'
  | 'DROPPED'
  | 'UNREACHABLE'
  | 'GONE'
  | 'GONE_BY_OPERATOR'
  | 'UNKNOWN'
>;

/** Why a task is in its state: `update.reason`, or `NONE`. */
export const Reason: Codes<
  | 'COMMAND_EXECUTOR_FAILED'
  | 'EXECUTOR_TERMINATED'
  | 'EXECUTOR_UNREGISTERED'
  | 'FRAMEWORK_REMOVED'
  | 'GC_ERROR'
  | 'INVALID_FRAMEWORKID'
  | 'INVALID_OFFERS'
  | 'MASTER_DISCONNECTED'
  | 'CONTAINER_LIMITATION_MEMORY'
  | 'RECONCILIATION'
  | 'AGENT_DISCONNECTED'
  | 'AGENT_REMOVED'
  | 'AGENT_RESTARTED'
  | 'AGENT_UNKNOWN'
  | 'TASK_INVALID'
  | 'TASK_UNAUTHORIZED'
  | 'TASK_UNKNOWN'
  | 'CONTAINER_PREEMPTED'
  | 'RESOURCES_UNKNOWN'
  | 'CONTAINER_LIMITATION'
  | 'CONTAINER_LIMITATION_DISK'
  | 'CONTAINER_LAUNCH_FAILED'
  | 'CONTAINER_UPDATE_FAILED'
  | 'EXECUTOR_REGISTRATION_TIMEOUT'
  | 'EXECUTOR_REREGISTRATION_TIMEOUT'
  | 'TASK_GROUP_INVALID'
  | 'TASK_GROUP_UNAUTHORIZED'
  | 'IO_SWITCHBOARD_EXITED'
  | 'TASK_CHECK_STATUS_UPDATED'
  | 'TASK_HEALTH_CHECK_STATUS_UPDATED'
  | 'TASK_KILLED_DURING_LAUNCH'
  | 'AGENT_REMOVED_BY_OPERATOR'
  | 'AGENT_REREGISTERED'
  | 'MAX_COMPLETION_TIME_REACHED'
  | 'AGENT_DRAINING'
>;

/** Who said it: `update.source`, or `NONE`. */
export const Source: Codes<
  | 'MASTER'
  | 'AGENT'
  | 'EXECUTOR'
>;

/** States of an operation. */
export const OperationState: Codes<
  | 'UNSUPPORTED'
  | 'PENDING'
  | 'FINISHED'
  | 'FAILED'
  | 'ERROR'
  | 'DROPPED'
  | 'UNREACHABLE'
  | 'GONE_BY_OPERATOR'
  | 'RECOVERING'
  | 'UNKNOWN'
>;

/** Whole thousandths of a number in Mesos's unit: `milli(1.5)` is 1500. */
export function milli(unit: number): number;

/** Five resources: thousandths of a CPU, of a MiB (twice) and of a GPU; single ports. */
export class Amounts implements HasAmounts {
  cpus: number;
  mem: number;
  disk: number;
  gpus: number;
  ports: number;
  constructor(amounts?: Partial<HasAmounts>);
  /** In Mesos's units: `Amounts.of({ cpus: 1.5, mem: 32 })`. */
  static of(units?: Partial<HasAmounts>): Amounts;
  static ofRecord(record: HasAmounts): Amounts;
  fits(need: HasAmounts): boolean;
  /** How many tasks that need this each fit. */
  capacity(need: HasAmounts): number;
  plus(other: HasAmounts): Amounts;
  /** What is left after `other` was taken; zero where it is more than there is. */
  minus(other: HasAmounts): Amounts;
  times(count: number): Amounts;
}

/** How much each resource counts when offers are compared. */
export type Weights = HasAmounts;
export const defaultWeights: Readonly<Weights>;
/** Throws `PolicyError` with the name of a weight that is none. */
export function checkWeights(weights: Weights): void;

export type Order = { readonly kind: string; readonly weights: Weights | null };
export const Order: {
  /** The one that arrived first. */
  readonly ARRIVAL: Order;
  /** The one with the least room: best fit. */
  tightest(weights?: Weights): Order;
  /** The one with the most room: spreads tasks. */
  roomiest(weights?: Weights): Order;
};

/** Room for tasks on an offer. */
export interface Spot {
  offer: number;
  agent: number;
  /** Position of the offer in `round.offers`. */
  at: number;
  /** How many tasks; at least 1. */
  count: number;
}

/**
 * What is left of each offer of a round, and where there is room. Knows roles and placement
 * constraints.
 */
export class Fitter {
  /**
   * With `group`, offers are in groups, to search one at a time; offers for which it gives
   * `null` are left out.
   */
  constructor(
    round: Round,
    order: Order,
    group?: ((at: number, offer: contract.Offer) => number | null) | null,
  );
  /** What is left of the offer at this position of `round.offers`. */
  left(at: number): HasAmounts;
  /**
   * The offer that comes first in the order (of the group) and has room for at least one
   * task of the set; with `good`, only of those for which it holds. Takes nothing.
   */
  next(
    waiting: Waiting,
    options?: { good?: ((offer: contract.Offer) => boolean) | null; group?: number },
  ): Spot | null;
  /** How many tasks of the set the offer at this position takes. */
  room(at: number, waiting: Waiting): number;
  /** The same as a spot. */
  spot(at: number, waiting: Waiting): Spot | null;
  /** Takes room for `count` tasks of the set at a spot. */
  take(spot: Spot, waiting: Waiting, count: number): void;
  /**
   * Takes room for all tasks of the set, offer by offer, until all have a place or nothing
   * fits. Stop early and the rest is not taken.
   */
  fill(waiting: Waiting, good?: ((offer: contract.Offer) => boolean) | null): Generator<Spot>;
}

/** A decision that was just made. */
export interface Decided {
  /** Says why, in a sentence for logs and users. */
  because(reason: string): this;
}

/** For how long (milliseconds) Mesos shall not offer the same again. */
export interface Refusable extends Decided {
  refuse(milliseconds: number): this;
}

export interface Killed extends Decided {
  /** Time between the polite and the hard signal, in milliseconds. */
  grace(milliseconds: number): this;
}

/** An ACCEPT that is being built; operations run in the order in which they are added. */
export interface Accepted extends Refusable {
  /** Any operation of the contract. */
  operation<Tag extends contract.Operation['tag']>(
    tag: Tag,
    val: Extract<contract.Operation, { tag: Tag }>['val'],
  ): this;
  launch(...tasks: Message[]): this;
  place(set: SetRef, count: number): this;
  launchGroup(executor: Message, ...tasks: Message[]): this;
  reserve(...resources: contract.MesosResource[]): this;
  unreserve(...resources: contract.MesosResource[]): this;
  create(...volumes: contract.MesosResource[]): this;
  destroy(...volumes: contract.MesosResource[]): this;
  growVolume(volume: contract.MesosResource, addition: contract.MesosResource): this;
  /** By thousandths of a MiB. */
  shrinkVolume(volume: contract.MesosResource, subtract: number): this;
  createDisk(
    source: contract.MesosResource,
    target: contract.DiskKind,
    targetProfile?: string | null,
  ): this;
  destroyDisk(source: contract.MesosResource): this;
  /** Gives the last operation an id, so that its outcome comes back as an event. */
  withId(id: string): this;
}

/** Decisions of one round. Nothing decided: everything stays as it is. */
export class Answer {
  placements: contract.Placement[];
  declines: contract.Decline[];
  kills: contract.Kill[];
  actions: contract.ReasonedAction[];
  rest: contract.DeclineRest | null;
  leftover: number;
  reasons: string[];
  /** Launches `count` tasks of a waiting set on an offer (or a fitter's spot). */
  place(offer: OfferRef, set: SetRef, count: number): Decided;
  decline(offer: OfferRef): Refusable;
  /** Declines each offer of the round that no other decision names. */
  declineRest(): Refusable;
  kill(task: TaskRef): Killed;
  /** Accepts offers of one agent and role with operations of any kind. */
  accept(...offers: OfferRef[]): Accepted;
  /** For how long Mesos shall not offer again what placements leave over. */
  leftoverFor(milliseconds: number): void;
  /** Asks for offers of these roles even if no task waits, until `suppress`. */
  revive(...roles: RoleRef[]): Decided;
  suppress(...roles: RoleRef[]): Decided;
  /** Ends an executor with all its tasks. */
  shutdown(agent: AgentRef, executorId: string): Decided;
  message(agent: AgentRef, executorId: string, data: Uint8Array): Decided;
  request(...requests: contract.ResourceRequest[]): Decided;
  /** Asks Mesos for the states of these tasks; of all if there are none. */
  reconcile(...tasks: TaskRef[]): Decided;
  reconcileOperations(...queries: contract.OperationQuery[]): Decided;
  acceptInverse(...offers: InverseOfferRef[]): Refusable;
  declineInverse(...offers: InverseOfferRef[]): Refusable;
  /** Replaces parts of what the host tells the master of the framework. */
  updateFramework(parts: { framework?: Message | null; constraints?: Message | null }): Decided;
  /** Asks for a `timer` event with this number after so many milliseconds. */
  timer(number: number, after: number): Decided;
  cancelTimer(number: number): Decided;
  /** Any action of the contract. */
  act<Tag extends contract.Action['tag']>(
    tag: Tag,
    val: Extract<contract.Action, { tag: Tag }>['val'],
  ): Decided;
  /** Number of a sentence, as decisions name it. */
  reason(sentence: string): number;
  record(): contract.Answer;
}

export namespace clock {
  /** Milliseconds since the Unix epoch; stands still during a call. */
  function now(): number;
}

export namespace random {
  function nextU32(): number;
  /** From 0, below 1. */
  function next(): number;
  /** A whole number from 0, below the whole number `bound`. */
  function below(bound: number): number;
  function choice<T>(items: readonly T[]): T;
}

export namespace metrics {
  function count(name: string, amount?: number): void;
  function gauge(name: string, value: number): void;
}

export namespace log {
  function enabled(level: contract.Level): boolean;
  function write(level: contract.Level, ...values: unknown[]): void;
  function finest(...values: unknown[]): void;
  function debug(...values: unknown[]): void;
  function info(...values: unknown[]): void;
  function warn(...values: unknown[]): void;
  function error(...values: unknown[]): void;
  /** An error with its stack. */
  function trace(error: unknown): string;
}

/** What the host knows, pulled on demand. Unknown handles give `null` or an empty list. */
export namespace cluster {
  function roles(): string[];
  function roleName(role: RoleRef): string | null;
  function framework(): contract.FrameworkDetails;
  function limits(): contract.Limits;
  function agent(agent: AgentRef): contract.AgentDetails | null;
  function job(job: JobRef): contract.JobDetails | null;
  function offer(offer: OfferRef): contract.OfferDetails | null;
  function offerJson(offer: OfferRef): string | null;
  function column(name: string): number[];
  function allowed(set: SetRef, agents: number[]): number[];
  function tasks(): contract.Task[];
  function tasksOfJob(job: JobRef): contract.Task[];
  function tasksOnAgent(agent: AgentRef): contract.Task[];
  function task(task: TaskRef): contract.Task | null;
  function taskDetails(task: TaskRef): contract.TaskDetails | null;
  function findTask(id: string): number | null;
  function operations(): contract.OperationUpdate[];
  /** The first attribute of this name as text. */
  function attribute(agent: contract.AgentDetails | null, name: string): string | null;
}

export namespace resource {
  /** In Mesos's unit: `scalar('disk', 64)` is 64 MiB. */
  function scalar(name: string, amount: number): contract.MesosResource;
  function ranges(name: string, pairs: [number, number][]): contract.MesosResource;
  function items(name: string, items: Iterable<string>): contract.MesosResource;
  function reservedFor(
    resource: contract.MesosResource,
    role: string,
    principal?: string | null,
  ): contract.MesosResource;
  function persistent(
    resource: contract.MesosResource,
    id: string,
    containerPath: string,
  ): contract.MesosResource;
  function encoded(message: Message): contract.Encoded;
}

declare global {
  /** Writes to the host's log, as in any other JavaScript. */
  interface Console {
    trace(...values: unknown[]): void;
    debug(...values: unknown[]): void;
    log(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
  }
  var console: Console;
}
