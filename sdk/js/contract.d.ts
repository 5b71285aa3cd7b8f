// Made from wit/ by tools/types.js; do not edit.

/**
 * Whole thousandths of Mesos's unit (CPUs, MiB, GPUs). Never negative,
 * never fractional, never NaN.
 */
export type Milli = number;
/** Milliseconds since the Unix epoch. */
export type Instant = number;
/**
 * Milliseconds. Where a field says so, a negative value means "the host's
 * own choice".
 */
export type Duration = number;

/** An offer that lives. On the hot path: only numbers. */
export interface Offer {
  /** Handle of the offer. */
  offer: number;
  /** Handle of its agent. */
  agent: number;
  /** Handle of the role that the offer is allocated to. */
  role: number;
  /** Number of single ports in the offer's `ports` ranges. */
  ports: number;
  /**
   * What a plain task can use: unreserved resources and those reserved
   * for the offer's role. Not counted: revocable and shared resources,
   * persistent volumes, and disks with a source of their own.
   */
  cpus: Milli;
  mem: Milli;
  disk: Milli;
  gpus: Milli;
  /**
   * Bits, see `offer-traits` below. Unknown bits must be ignored.
   * 1 fresh: not shown in an earlier round
   * 2 has resources reserved for its role (counted above)
   * 4 has revocable resources (not counted above)
   * 8 has persistent volumes (not counted above)
   * 16 has disks with a source: path, mount, block, raw (not counted)
   * 32 the agent has announced unavailability (maintenance)
   * 64 has other named resources (see `cluster.column`, `cluster.get-offer`)
   */
  traits: number;
  /** When the host received it. */
  since: Instant;
}

/**
 * Waiting tasks that are interchangeable: same job, same needs. Placing
 * `count` of them is one decision.
 */
export interface Waiting {
  /**
   * Handle of this set. A job has one set as long as its needs do not
   * change.
   */
  set: number;
  /** Handle of the job. */
  job: number;
  /** Handle of the role; only offers of the same role can take these. */
  role: number;
  /** How many wait. At least 1. */
  count: number;
  /** What each single task needs. */
  cpus: Milli;
  mem: Milli;
  disk: Milli;
  gpus: Milli;
  /** Ports that each task needs; the host picks the numbers. */
  ports: number;
  /** Larger goes first. 0 unless the job says otherwise. */
  priority: number;
  /**
   * Bits. Unknown bits must be ignored.
   * 1 the job has placement constraints: ask `cluster.allowed`
   * 2 tasks of a service (0: of a batch job)
   * 4 at least one of these ran before (a retry or a restart)
   */
  traits: number;
  /** Since when the one that waits longest has been waiting. */
  since: Instant;
}

/** A task of this policy's roles that is not terminal. */
export interface Task {
  task: number;
  /**
   * `none-handle` for a task that the policy launched by a TaskInfo of
   * its own, or that the host found on the cluster.
   */
  job: number;
  agent: number;
  role: number;
  /**
   * Mesos's TaskState number. 6 TASK_STAGING from the moment the host
   * accepted the decision.
   */
  state: number;
  priority: number;
  /**
   * Bits.
   * 1 a kill is under way
   * 2 a task of a service
   * 4 last known health is healthy
   * 8 last known health is unhealthy
   * 16 unknown to the host's books (quarantined)
   */
  traits: number;
  /** What it occupies, `ports` as a number of single ports. */
  ports: number;
  cpus: Milli;
  mem: Milli;
  disk: Milli;
  gpus: Milli;
  /** When it was launched. */
  since: Instant;
}

/**
 * A change of a task's state. Text and further detail are pulled with
 * `cluster.get-task-details`, which knows a terminal task until the end of the
 * round that reported it.
 */
export interface Update {
  task: number;
  job: number;
  agent: number;
  /** Mesos's TaskState number. */
  state: number;
  /** Mesos's TaskStatus.Reason number; `none-handle` if Mesos gave none. */
  reason: number;
  /** Mesos's TaskStatus.Source number; `none-handle` if Mesos gave none. */
  source: number;
  /**
   * Bits: 1 terminal, 2 an answer to a reconciliation, 4 healthy,
   * 8 unhealthy.
   */
  traits: number;
  at: Instant;
}

export interface Label {
  key: string;
  value: string | null;
}

/** Both ends belong to the range. */
export interface Range {
  begin: number;
  end: number;
}

export type ResourceValue =
  | { tag: 'scalar'; val: Milli }
  | { tag: 'ranges'; val: Range[] }
  | { tag: 'items'; val: string[] };

/** `fixed` is what Mesos calls STATIC: made by the agent's operator. */
export type ReservationKind = 'fixed' | 'dynamic';

export interface Reservation {
  kind: ReservationKind;
  role: string;
  principal: string | null;
  labels: Label[];
}

export interface Persistence {
  id: string;
  principal: string | null;
}

export interface Volume {
  containerPath: string;
  hostPath: string | null;
  readOnly: boolean;
}

export type DiskKind = 'unknown' | 'path' | 'mount' | 'block' | 'raw';

export interface DiskSource {
  kind: DiskKind;
  root: string | null;
  id: string | null;
  vendor: string | null;
  profile: string | null;
  metadata: Label[];
}

export interface DiskInfo {
  persistence: Persistence | null;
  volume: Volume | null;
  source: DiskSource | null;
}

/**
 * One resource, complete. The allocation role is the offer's; the host
 * adds it.
 */
export interface MesosResource {
  name: string;
  value: ResourceValue;
  /** The stack of reservations, outermost role first; empty: unreserved. */
  reservations: Reservation[];
  disk: DiskInfo | null;
  revocable: boolean;
  shared: boolean;
  provider: string | null;
}

/**
 * A message of the Mesos v1 API written by the policy: as JSON in Mesos's
 * form (snake_case names, base64 for bytes) or as protobuf bytes.
 */
export type Encoded =
  | { tag: 'json'; val: string }
  | { tag: 'protobuf'; val: Uint8Array };

/**
 * An operation of ACCEPT. `id`, where there is one, asks Mesos for
 * feedback: the outcome arrives as an `operation` event with that id. An
 * id must be new in the framework; the host refuses one that it knows.
 */
export type Operation =
  /**
   * Tasks that the policy wrote itself (TaskInfo each). `agent_id` is
   * filled in by the host, as is the role of each resource. A task id
   * must be new in the framework.
   */
  | { tag: 'launch'; val: Encoded[] }
  /**
   * Waiting tasks of the host, which writes their TaskInfo. For a plain
   * launch `placement` is simpler and faster.
   */
  | { tag: 'place'; val: SetCount }
  /**
   * A task group (pod) with its executor, written by the policy
   * (ExecutorInfo, TaskInfo each).
   */
  | { tag: 'launch-group'; val: TaskGroup }
  | { tag: 'reserve'; val: Reserve }
  | { tag: 'unreserve'; val: ResourceOperation }
  | { tag: 'create'; val: ResourceOperation }
  | { tag: 'destroy'; val: ResourceOperation }
  | { tag: 'grow-volume'; val: GrowVolume }
  | { tag: 'shrink-volume'; val: ShrinkVolume }
  | { tag: 'create-disk'; val: CreateDisk }
  | { tag: 'destroy-disk'; val: DestroyDisk };

export interface SetCount {
  set: number;
  count: number;
}

export interface TaskGroup {
  executor: Encoded;
  tasks: Encoded[];
}

/**
 * `source` may name resources with fewer reservations that are to become
 * `resources`; empty: Mesos takes them without their last reservation.
 */
export interface Reserve {
  id: string | null;
  source: MesosResource[];
  resources: MesosResource[];
}

export interface ResourceOperation {
  id: string | null;
  resources: MesosResource[];
}

export interface GrowVolume {
  id: string | null;
  volume: MesosResource;
  addition: MesosResource;
}

export interface ShrinkVolume {
  id: string | null;
  volume: MesosResource;
  subtract: Milli;
}

export interface CreateDisk {
  id: string | null;
  source: MesosResource;
  /** `mount` or `block`. */
  target: DiskKind;
  targetProfile: string | null;
}

export interface DestroyDisk {
  id: string | null;
  source: MesosResource;
}

/**
 * Launch `count` tasks of a waiting set on an offer. Several placements on
 * one offer become one ACCEPT, in the order given. If only some can be
 * launched, those are, and a `refused` event says why the rest was not.
 */
export interface Placement {
  offer: number;
  set: number;
  count: number;
  /** 0: none; n: `answer.reasons[n - 1]`. */
  reason: number;
}

export interface Decline {
  offer: number;
  /**
   * For how long Mesos shall not offer the same again. Negative: the
   * host's choice.
   */
  refuse: Duration;
  reason: number;
}

export interface DeclineRest {
  refuse: Duration;
  reason: number;
}

export interface Kill {
  task: number;
  /**
   * Grace period between the polite and the hard signal. Negative: what
   * the task's own kill policy says.
   */
  grace: Duration;
  reason: number;
}

/**
 * Any ACCEPT that is more than placements. All offers must be of one agent
 * and one role, each used once in an answer.
 */
export interface Accept {
  offers: number[];
  operations: Operation[];
  /** Filter for what is left over. Negative: the host's choice. */
  refuse: Duration;
}

/**
 * A policy talks to its own executors and hears only them: those in which a task
 * of its roles was launched, from then until the `failure` event that tells their
 * end. (What an executor says whose owner the host does not know, as just after a
 * restart, all policies hear.)
 */
export interface ExecutorMessage {
  agent: number;
  executorId: string;
  data: Uint8Array;
}

/** One of the policy's own, as at `executor-message`. */
export interface Executor {
  agent: number;
  executorId: string;
}

/** REQUEST: a hint to the allocator. Mesos's own allocator ignores it. */
export interface ResourceRequest {
  agent: number;
  resources: MesosResource[];
}

export interface OperationQuery {
  operationId: string;
  /** `none-handle` if unknown. */
  agent: number;
  provider: string | null;
}

/**
 * An inverse offer may be declined by each policy with a task on the agent, and
 * accepted by the one whose tasks are the only ones there; if no task runs there,
 * by anyone. What nobody answers the host does when its lease ends: it accepts if
 * no task runs there.
 */
export interface InverseAnswer {
  inverseOffers: number[];
  refuse: Duration;
}

/**
 * UPDATE_FRAMEWORK. Each part that is given replaces what the host sends,
 * now and at each later subscription; a part that is not given stays. Of
 * `framework` (FrameworkInfo) the host takes labels, offer filters and
 * webui_url. Name, user, roles, capabilities and id belong to the
 * operator. Offer filters and constraints name roles: only the policy's own,
 * and what other policies say of theirs stays as it is.
 */
export interface FrameworkUpdate {
  framework: Encoded | null;
  /** OfferConstraints. */
  constraints: Encoded | null;
}

export interface Timer {
  /**
   * Comes back in the `timer` event. A new timer of the same number
   * replaces the old one. At most 256 can be set at a time.
   */
  number: number;
  /** From now; less than 10 counts as 10. Negative: cancel. */
  after: Duration;
}

/** Everything that is not on the hot path. */
export type Action =
  | { tag: 'accept'; val: Accept }
  /**
   * Ask for offers of these roles even if no task waits, and clear their
   * filters. Holds until `suppress`.
   */
  | { tag: 'revive'; val: number[] }
  /**
   * No offers for these roles beyond what the host needs for its own
   * waiting tasks.
   */
  | { tag: 'suppress'; val: number[] }
  | { tag: 'shutdown'; val: Executor }
  | { tag: 'message'; val: ExecutorMessage }
  | { tag: 'request'; val: ResourceRequest[] }
  /**
   * Ask Mesos for the states of these tasks, which are the policy's own;
   * empty: of all tasks.
   */
  | { tag: 'reconcile'; val: number[] }
  | { tag: 'reconcile-operations'; val: OperationQuery[] }
  | { tag: 'accept-inverse-offers'; val: InverseAnswer }
  | { tag: 'decline-inverse-offers'; val: InverseAnswer }
  | { tag: 'update-framework'; val: FrameworkUpdate }
  | { tag: 'timer'; val: Timer };

export interface ReasonedAction {
  action: Action;
  reason: number;
}

export interface Subscribed {
  frameworkId: string;
  /** The first time in the life of this framework id in this host. */
  fresh: boolean;
  master: string;
}

export interface OperationUpdate {
  operationId: string | null;
  /** Mesos's OperationState number. */
  state: number;
  message: string | null;
  /** `none-handle` if Mesos gave none. */
  agent: number;
  provider: string | null;
  /** What the operation made. */
  converted: MesosResource[];
}

/** An agent was removed (`executor-id` absent) or an executor ended. */
export interface Failure {
  agent: number;
  executorId: string | null;
  status: number | null;
}

/** A request to give resources back, mostly before maintenance. */
export interface InverseOffer {
  inverseOffer: number;
  id: string;
  /** `none-handle`: no agent named. */
  agent: number;
  unavailableFrom: Instant;
  /** Negative: no end known. */
  unavailableFor: Duration;
  resources: MesosResource[];
}

/**
 * A decision of an earlier answer that the host did not carry out, or a
 * placement of which it could carry out only a part (`why` says so). The
 * offer it named, if it lives and was not used, is still held; waiting tasks
 * still wait.
 */
export interface Refusal {
  /** Round whose answer held the decision. */
  round: number;
  /** `placement`, `decline`, `kill`, `accept`, ... as in `answer`. */
  kind: string;
  /** Position in its list of that answer. */
  position: number;
  /** What is wrong with it, in words. */
  why: string;
}

export interface OtherEvent {
  kind: string;
  details: string;
}

export type Event =
  /**
   * A session with the master began. All handles of offers from before
   * are void.
   */
  | { tag: 'subscribed'; val: Subscribed }
  /**
   * The session ended, with the reason. All offers and inverse offers
   * are void; tasks go on.
   */
  | { tag: 'disconnected'; val: string }
  | { tag: 'operation'; val: OperationUpdate }
  | { tag: 'message'; val: ExecutorMessage }
  | { tag: 'failure'; val: Failure }
  /** The master's ERROR event; the host ends or subscribes anew. */
  | { tag: 'error'; val: string }
  | { tag: 'inverse-offers'; val: InverseOffer[] }
  | { tag: 'inverse-offer-rescinded'; val: number }
  | { tag: 'timer'; val: number }
  | { tag: 'refused'; val: Refusal }
  /** Anything that this version of the contract has no case for. */
  | { tag: 'other'; val: OtherEvent };

export interface Round {
  /** 1, 2, 3, ...; a new instance goes on where the one before it ended. */
  number: number;
  /**
   * The host's clock at the start of the round; `clock.now` gives the
   * same value all through it.
   */
  now: Instant;
  /**
   * All live offers of the policy's roles, in order of arrival. An offer
   * that no answer named stays and is shown again until its lease ends
   * (`cluster.get-limits`), or earlier when tasks of another role would fit
   * and have no offer; then the host declines it.
   */
  offers: Offer[];
  /**
   * All waiting sets of the policy's roles: larger priority first, then
   * older first.
   */
  waiting: Waiting[];
  /** In order of arrival. */
  updates: Update[];
  /** Handles of offers that Mesos took back since they were shown. */
  rescinded: number[];
  /** In order of arrival. */
  events: Event[];
}

/**
 * Decisions. The host carries them out in this order: kills, placements,
 * declines, actions, decline-rest.
 */
export interface Answer {
  placements: Placement[];
  declines: Decline[];
  kills: Kill[];
  actions: ReasonedAction[];
  /**
   * If given, each offer of this round that the answer does not name is
   * declined. If not, it stays held.
   */
  rest: DeclineRest | null;
  /**
   * Filter for what placements leave over of their offers. Negative: the
   * host's choice.
   */
  leftover: Duration;
  /** Sentences that decisions point to. They reach logs and users. */
  reasons: string[];
}

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export type AttributeValue =
  | { tag: 'text'; val: string }
  | { tag: 'scalar'; val: Milli }
  | { tag: 'ranges'; val: Range[] }
  | { tag: 'items'; val: string[] };

export interface Attribute {
  name: string;
  value: AttributeValue;
}

export interface AgentDetails {
  id: string;
  hostname: string;
  region: string | null;
  zone: string | null;
  attributes: Attribute[];
}

export interface Unavailability {
  begin: Instant;
  duration: Duration;
}

export interface OfferDetails {
  id: string;
  resources: MesosResource[];
  executorIds: string[];
  unavailability: Unavailability | null;
}

export type JobKind = 'service' | 'batch';

export interface JobDetails {
  name: string;
  role: string;
  kind: JobKind;
  count: number;
  priority: number;
  labels: Label[];
  /** Text form of each placement constraint, as in the job file. */
  constraints: string[];
}

export interface TaskDetails {
  id: string;
  name: string;
  executorId: string | null;
  /** Mesos's text for the latest status. */
  message: string | null;
  /** Decision's reason for the launch, if it gave one. */
  launchedBecause: string | null;
  labels: Label[];
  resources: MesosResource[];
}

export interface FrameworkDetails {
  /** Absent before the first subscription. */
  id: string | null;
  name: string;
  user: string;
}

export interface Limits {
  /** For one call of the policy; past it the instance is ended. */
  callDeadline: Duration;
  /** Bytes of linear memory. */
  memory: number;
  /** How long an offer may go unanswered before the host declines it. */
  offerLease: Duration;
  /** Offers and waiting sets shown in one round, at most. */
  offersPerRound: number;
  waitingPerRound: number;
  logLines: number;
}

export interface Snapshot {
  /** The policy's own version of its layout. */
  version: number;
  /** At most 16 MiB. */
  data: Uint8Array;
}

export interface Description {
  name: string;
  version: string;
  summary: string;
}
