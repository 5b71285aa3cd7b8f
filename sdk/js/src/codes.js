// Names for the contract's bits and for Mesos's open sets of numbers. Bits are tested
// with `&`: `offer.traits & OfferTrait.FRESH`. Numbers of a newer Mesos are kept, never
// refused.

/** No number: Mesos gave none, or there is no bound. */
export const NONE = 4_294_967_295;

/** Bits of `offer.traits`. */
export const OfferTrait = Object.freeze({
  /** Not shown in an earlier round. */
  FRESH: 1,
  /** Has resources reserved for its role (counted in the amounts). */
  RESERVED: 2,
  /** Has revocable resources (not counted). */
  REVOCABLE: 4,
  /** Has persistent volumes (not counted). */
  VOLUMES: 8,
  /** Has disks with a source (not counted). */
  DISK_SOURCES: 16,
  /** The agent has announced unavailability (maintenance). */
  GOING_AWAY: 32,
  /** Has other named resources, see `cluster.column`. */
  OTHER_RESOURCES: 64,
});

/** Bits of `waiting.traits`. */
export const WaitingTrait = Object.freeze({
  /** The job has placement constraints, see `cluster.allowed`. */
  CONSTRAINED: 1,
  /** Tasks of a service; otherwise of a batch job. */
  SERVICE: 2,
  /** At least one of these ran before. */
  RETRY: 4,
});

/** Bits of `task.traits`. */
export const TaskTrait = Object.freeze({
  BEING_KILLED: 1,
  SERVICE: 2,
  HEALTHY: 4,
  UNHEALTHY: 8,
  /** Unknown to the host's books. */
  QUARANTINED: 16,
});

/** Bits of `update.traits`. */
export const UpdateTrait = Object.freeze({
  /** The task never runs again. */
  TERMINAL: 1,
  /** An answer to a reconciliation. */
  RECONCILIATION: 2,
  HEALTHY: 4,
  UNHEALTHY: 8,
});

// Numbers with their names, and `nameOf`: Mesos's name, or the number as text if this SDK does
// not know it.
function named(prefix, numbers) {
  const names = new Map(Object.entries(numbers).map(([name, number]) => [number, prefix + name]));
  return Object.freeze({ ...numbers, nameOf: (number) => names.get(number) ?? String(number) });
}

/** States of a task. */
export const TaskState = named('TASK_', {
  STARTING: 0,
  RUNNING: 1,
  FINISHED: 2,
  FAILED: 3,
  KILLED: 4,
  LOST: 5,
  STAGING: 6,
  ERROR: 7,
  KILLING: 8,
  DROPPED: 9,
  UNREACHABLE: 10,
  GONE: 11,
  GONE_BY_OPERATOR: 12,
  UNKNOWN: 13,
});

/** Why a task is in its state: `update.reason`, or `NONE`. */
export const Reason = named('REASON_', {
  COMMAND_EXECUTOR_FAILED: 0,
  EXECUTOR_TERMINATED: 1,
  EXECUTOR_UNREGISTERED: 2,
  FRAMEWORK_REMOVED: 3,
  GC_ERROR: 4,
  INVALID_FRAMEWORKID: 5,
  INVALID_OFFERS: 6,
  MASTER_DISCONNECTED: 7,
  CONTAINER_LIMITATION_MEMORY: 8,
  RECONCILIATION: 9,
  AGENT_DISCONNECTED: 10,
  AGENT_REMOVED: 11,
  AGENT_RESTARTED: 12,
  AGENT_UNKNOWN: 13,
  TASK_INVALID: 14,
  TASK_UNAUTHORIZED: 15,
  TASK_UNKNOWN: 16,
  CONTAINER_PREEMPTED: 17,
  RESOURCES_UNKNOWN: 18,
  CONTAINER_LIMITATION: 19,
  CONTAINER_LIMITATION_DISK: 20,
  CONTAINER_LAUNCH_FAILED: 21,
  CONTAINER_UPDATE_FAILED: 22,
  EXECUTOR_REGISTRATION_TIMEOUT: 23,
  EXECUTOR_REREGISTRATION_TIMEOUT: 24,
  TASK_GROUP_INVALID: 25,
  TASK_GROUP_UNAUTHORIZED: 26,
  IO_SWITCHBOARD_EXITED: 27,
  TASK_CHECK_STATUS_UPDATED: 28,
  TASK_HEALTH_CHECK_STATUS_UPDATED: 29,
  TASK_KILLED_DURING_LAUNCH: 30,
  AGENT_REMOVED_BY_OPERATOR: 31,
  AGENT_REREGISTERED: 32,
  MAX_COMPLETION_TIME_REACHED: 33,
  AGENT_DRAINING: 34,
});

/** Who said it: `update.source`, or `NONE`. */
export const Source = named('SOURCE_', {
  MASTER: 0,
  AGENT: 1,
  EXECUTOR: 2,
});

/** States of an operation. */
export const OperationState = named('OPERATION_', {
  UNSUPPORTED: 0,
  PENDING: 1,
  FINISHED: 2,
  FAILED: 3,
  ERROR: 4,
  DROPPED: 5,
  UNREACHABLE: 6,
  GONE_BY_OPERATOR: 7,
  RECOVERING: 8,
  UNKNOWN: 9,
});
