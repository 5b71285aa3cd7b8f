/**
 * A failure that the policy foresees, with a text for people.
 *
 * Thrown by the constructor or `restore` it keeps the policy from starting; by
 * `decide`, the round goes without decisions and the policy goes on; by `save`, the
 * older snapshot stays. Anything else that is thrown is written to the log with its
 * stack and ends the instance.
 */
export class PolicyError extends Error {
  name = 'PolicyError';
}

/** A call to the host where there is none. */
export class NoHost extends Error {
  name = 'NoHost';
}
