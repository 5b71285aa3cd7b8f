// The toolchain hands a u32 from 2^31 on over as a negative number, and takes it back only
// as one. `NONE` is such a number. Here they are put right on their way in and out, so that
// nothing else knows of it: in each field that can be `NONE` or that the policy chose itself.
// Handles that the host gave out count from 0 and never come so far.

const CAN_BE_NONE = ['job', 'agent', 'state', 'reason', 'source'];

function record(record) {
  for (const field of CAN_BE_NONE) {
    if (field in record) record[field] >>>= 0;
  }
  return record;
}

const records = (list) => {
  for (const one of list) record(one);
  return list;
};

/** What a round shows. Offers and waiting sets have no such field. */
export function round(round) {
  records(round.updates);
  for (const event of round.events) {
    if (event.tag === 'timer') event.val >>>= 0;
    else if (event.tag === 'inverse-offers') records(event.val);
    else if (typeof event.val === 'object') record(event.val);
  }
  return round;
}

/** The contract's `cluster`. */
export const cluster = (host) => ({
  ...host,
  allowed: (set, agents) => Array.from(host.allowed(set, agents), (count) => count >>> 0),
  tasks: () => records(host.tasks()),
  tasksOfJob: (job) => records(host.tasksOfJob(job)),
  tasksOnAgent: (agent) => records(host.tasksOnAgent(agent)),
  getTask: (task) => {
    const found = host.getTask(task);
    return found ? record(found) : found;
  },
  operations: () => records(host.operations()),
});

/** The contract's `random`. */
export const random = (host) => ({ ...host, nextU32: () => host.nextU32() >>> 0 });

function signed({ tag, val }) {
  switch (tag) {
    case 'timer':
      return { tag, val: { ...val, number: val.number | 0 } };
    case 'reconcile-operations':
    case 'request':
      return { tag, val: val.map((one) => ({ ...one, agent: one.agent | 0 })) };
    default:
      return { tag, val };
  }
}

/** What the policy answered, as the toolchain takes it. */
export const answer = (answer) => ({
  ...answer,
  actions: answer.actions.map(({ action, reason }) => ({ action: signed(action), reason })),
});
