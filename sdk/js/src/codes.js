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

/** States of a task. */
export const TaskState = Object.freeze({
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
  /** Mesos's name; the number as text if this SDK does not know it. */
  nameOf(state) {
    for (const [name, number] of Object.entries(TaskState)) {
      if (number === state) return `TASK_${name}`;
    }
    return String(state);
  },
});
