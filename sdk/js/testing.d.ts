// The types of the stand-in for the host.

import type * as contract from './contract.js';
import type { HasAmounts, Policy } from './index.js';

/** A job whose tasks wait or run. */
export interface Job {
  name: string;
  role: string;
  /** Of each task, in Mesos's units. */
  needs: Partial<HasAmounts>;
  count?: number;
  priority?: number;
  service?: boolean;
  /** No task is allowed anywhere but where `Cluster.allow` says so. */
  constrained?: boolean;
}

/** Decisions that the host would refuse. */
export class Refused extends Error {}

/** Each decision of an answer that the host would refuse, in words. */
export function violations(
  round: contract.Round,
  tasks: Iterable<contract.Task>,
  answer: contract.Answer,
): string[];

/** An empty cluster with these roles. Handles are small numbers, each kind from 0. */
export class Cluster {
  constructor(...roles: string[]);
  /** What the stand-in answers from; may be changed. */
  state: any;
  /** Lines that the policy logged: level and text. */
  readonly log: [contract.Level, string][];
  readonly metrics: Map<string, number>;
  readonly tasks: contract.Task[];
  readonly offers: contract.Offer[];
  readonly waiting: contract.Waiting[];
  /** An agent with text attributes; its handle. */
  agent(hostname: string, attributes?: Record<string, string>, zone?: string | null): number;
  role(name: string): number;
  /** An offer of amounts in Mesos's units; its handle. */
  offer(agent: number, role: string, amounts: Partial<HasAmounts>, traits?: number): number;
  /** What `cluster.offer` tells of an offer. Without this it tells nothing. */
  offerResources(offer: number, resources: contract.MesosResource[]): void;
  /**
   * Thousandths of a named scalar in an offer (`cluster.column`), where it is not what the offer
   * says itself.
   */
  offerColumn(offer: number, name: string, milli: number): void;
  rescind(offer: number): void;
  /** Tasks of a job that wait; the handle of the set. */
  wait(job: Job): number;
  /** How many more tasks of a constrained set an agent may take. */
  allow(set: number, agent: number, count?: number): void;
  /** Running tasks of a job on an agent; their handles. */
  run(job: Job, agent: number): number[];
  end(task: number, state?: number): void;
  update(task: contract.Task, state: number, traits?: number): void;
  /** An event that the next round tells. */
  tell<Tag extends contract.Event['tag']>(
    tag: Tag,
    val: Extract<contract.Event, { tag: Tag }>['val'],
  ): void;
  /** Lets milliseconds pass. */
  advance(milliseconds: number): void;
  round(): contract.Round;
  describe(policy: unknown): contract.Description;
  /** Makes the policy from its `config` table (an object or JSON text). */
  configure<P extends Policy>(policy: new (settings: any) => P, config?: unknown): P;
  /** One round, carried out. Throws `Refused` if the host would refuse a decision. */
  decide(policy: Policy): contract.Answer;
  /** State of a policy, taken by one instance and given to another. */
  restart<P extends Policy>(policy: P, config?: unknown): P;
}
