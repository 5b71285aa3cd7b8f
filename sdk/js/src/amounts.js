// Amounts of resources: what a task needs, what an offer has. They are whole
// thousandths of Mesos's unit, as in the contract, so that sums and comparisons are
// exact and need no tolerance.

/** The largest number of tasks or ports (u32). */
export const MOST = 4_294_967_295;

/**
 * Whole thousandths of a number in Mesos's unit: `milli(1.5)` is 1500. Rounds to the
 * nearest thousandth, halves away from zero, like Mesos does.
 */
export function milli(unit) {
  const thousandths = unit * 1000;
  const whole = Math.floor(Math.abs(thousandths));
  const rounded = Math.abs(thousandths) - whole >= 0.5 ? whole + 1 : whole;
  return thousandths >= 0 ? rounded : -rounded;
}

/** Five resources: thousandths of a CPU, of a MiB (twice) and of a GPU; single ports. */
export class Amounts {
  constructor({ cpus = 0, mem = 0, disk = 0, gpus = 0, ports = 0 } = {}) {
    this.cpus = cpus;
    this.mem = mem;
    this.disk = disk;
    this.gpus = gpus;
    this.ports = ports;
  }

  /** In Mesos's units: `Amounts.of({ cpus: 1.5, mem: 32 })` is 1.5 CPUs and 32 MiB. */
  static of({ cpus = 0, mem = 0, disk = 0, gpus = 0, ports = 0 } = {}) {
    return new Amounts({
      cpus: milli(cpus),
      mem: milli(mem),
      disk: milli(disk),
      gpus: milli(gpus),
      ports,
    });
  }

  /** Of an offer, a waiting set (what each task needs) or a task. */
  static ofRecord(record) {
    return new Amounts(record);
  }

  /** Whether a task that needs `need` fits. */
  fits(need) {
    return (
      need.cpus <= this.cpus &&
      need.mem <= this.mem &&
      need.disk <= this.disk &&
      need.gpus <= this.gpus &&
      need.ports <= this.ports
    );
  }

  /** How many tasks that need `need` each fit; `MOST` if they need nothing. */
  capacity(need) {
    let most = MOST;
    for (const name of ['cpus', 'mem', 'disk', 'gpus', 'ports']) {
      if (need[name] > 0) most = Math.min(most, this[name] / need[name]);
    }
    return Math.max(Math.floor(most), 0);
  }

  plus(other) {
    return this.#each(other, (a, b) => a + b);
  }

  /** What is left after `other` was taken; zero where it is more than there is. */
  minus(other) {
    return this.#each(other, (a, b) => Math.max(a - b, 0));
  }

  times(count) {
    return this.#each(this, (a) => a * count);
  }

  #each(other, combine) {
    return new Amounts({
      cpus: combine(this.cpus, other.cpus),
      mem: combine(this.mem, other.mem),
      disk: combine(this.disk, other.disk),
      gpus: combine(this.gpus, other.gpus),
      ports: Math.min(combine(this.ports, other.ports), MOST),
    });
  }
}
