// Finds room for waiting tasks in the offers of a round, and keeps books on what is left
// while placements are made.
//
// A search looks at few offers, not at all: offers stand in order in blocks that know the
// most that is left in them, offers with no room for anything that waits are dropped, and
// a need that found nothing once finds nothing again. The books live for one round.
//
// The decisions are those of the other SDKs to the bit: the same keys, of equal keys the
// earlier offer, the same questions to `cluster.allowed`.

import { Allowances } from './allowances.js';
import { MOST } from './amounts.js';
import { WaitingTrait } from './codes.js';
import { Score } from './score.js';
import { Shelf } from './shelf.js';

/** So many failed needs are remembered in each group. */
const HOPELESS = 8;

const NAMES = ['cpus', 'mem', 'disk', 'gpus', 'ports'];

const atLeast = (a, b) =>
  a.cpus >= b.cpus && a.mem >= b.mem && a.disk >= b.disk && a.gpus >= b.gpus && a.ports >= b.ports;

class Group {
  /** Needs that found no room. Room only shrinks within a round. */
  #hopeless = [];

  constructor(least, score, shelf) {
    this.least = least;
    this.score = score;
    this.shelf = shelf;
  }

  isHopeless(need) {
    return this.#hopeless.some((failed) => atLeast(need, failed));
  }

  giveUp({ cpus, mem, disk, gpus, ports }) {
    if (this.#hopeless.length < HOPELESS) this.#hopeless.push({ cpus, mem, disk, gpus, ports });
  }
}

export class Fitter {
  #offers;
  #order;
  #columns;
  #keys;
  #groupOf;
  /** By role, then by number. */
  #groups = new Map();
  #allowances = new Allowances();

  constructor(round, order, group = null) {
    const offers = round.offers;
    this.#offers = offers;
    this.#order = order;
    this.#columns = Object.fromEntries(
      NAMES.map((name) => [name, offers.map((offer) => offer[name])]),
    );
    this.#keys = new Array(offers.length).fill(0);
    this.#groupOf = new Array(offers.length).fill(null);
    if (round.waiting.length === 0 || offers.length === 0) return;
    const byRole = new Map();
    for (const waiting of round.waiting) {
      const sets = byRole.get(waiting.role);
      if (sets === undefined) byRole.set(waiting.role, [waiting]);
      else sets.push(waiting);
    }
    const roles = [...byRole].map(([role, sets]) => this.#survey(role, sets));
    if (group === null) {
      for (const role of roles) this.#shelve(role, 0, role.roomy);
      return;
    }
    // In the order of the offers: the policy may number groups as it meets them.
    const numbers = new Map();
    for (const at of roles.flatMap((role) => role.roomy).sort((a, b) => a - b)) {
      numbers.set(at, group(at, offers[at]));
    }
    for (const role of roles) {
      const members = new Map();
      for (const at of role.roomy) {
        const number = numbers.get(at) ?? null;
        if (number === null) continue;
        const ats = members.get(number);
        if (ats === undefined) members.set(number, [at]);
        else ats.push(at);
      }
      for (const [number, ats] of members) this.#shelve(role, number, ats);
    }
  }

  left(at) {
    return Object.fromEntries(NAMES.map((name) => [name, this.#columns[name][at]]));
  }

  next(waiting, { good = null, group = 0 } = {}) {
    const at = this.#search(group, waiting, good);
    return at < 0 ? null : this.#spot(at, this.#capacity(at, waiting));
  }

  room(at, waiting) {
    return this.#offers[at].role === waiting.role ? this.#capacity(at, waiting) : 0;
  }

  spot(at, waiting) {
    const count = this.room(at, waiting);
    return count > 0 ? this.#spot(at, count) : null;
  }

  take(spot, waiting, count) {
    this.#take(spot.at, waiting, count);
    if (waiting.traits & WaitingTrait.CONSTRAINED) {
      this.#allowances.take(waiting, spot.agent, count);
    }
  }

  fill(waiting, good = null) {
    const plain = good === null && !(waiting.traits & WaitingTrait.CONSTRAINED);
    return plain ? this.#fillPlain(waiting) : this.#fillTested(waiting, good);
  }

  *#fillTested(waiting, good) {
    let wanted = waiting.count;
    while (wanted > 0) {
      const spot = this.next(waiting, { good });
      if (spot === null) return;
      spot.count = Math.min(spot.count, wanted);
      this.take(spot, waiting, spot.count);
      wanted -= spot.count;
      yield spot;
    }
  }

  /**
   * The same where nothing but room counts, which is most often. What stands before the
   * offer that was found last had no room and has none now, so the next search begins
   * there.
   */
  *#fillPlain(waiting) {
    const group = this.#groups.get(waiting.role)?.get(0);
    if (group === undefined || group.isHopeless(waiting)) return;
    let [low, high] = this.#bounds(group, waiting);
    let wanted = waiting.count;
    while (wanted > 0) {
      const at = group.shelf.find(waiting, low, high, null);
      if (at < 0) {
        group.giveUp(waiting);
        return;
      }
      // It has room for one.
      const count = wanted === 1 ? 1 : Math.min(this.#capacity(at, waiting), wanted);
      low = this.#keys[at];
      this.#take(at, waiting, count);
      wanted -= count;
      yield this.#spot(at, count);
    }
  }

  #spot(at, count) {
    const offer = this.#offers[at];
    return { offer: offer.offer, agent: offer.agent, at, count };
  }

  #take(at, waiting, count) {
    const { cpus, mem, disk, gpus, ports } = this.#columns;
    // What is not needed is not touched: most tasks need two of the five.
    if (waiting.cpus) cpus[at] = Math.max(cpus[at] - waiting.cpus * count, 0);
    if (waiting.mem) mem[at] = Math.max(mem[at] - waiting.mem * count, 0);
    if (waiting.disk) disk[at] = Math.max(disk[at] - waiting.disk * count, 0);
    if (waiting.gpus) gpus[at] = Math.max(gpus[at] - waiting.gpus * count, 0);
    if (waiting.ports) ports[at] = Math.max(ports[at] - waiting.ports * count, 0);
    const group = this.#groupOf[at];
    if (group === null) return;
    const old = this.#keys[at];
    const key = this.#key(group.score, at, old);
    const least = group.least;
    const stays =
      cpus[at] >= least.cpus &&
      mem[at] >= least.mem &&
      disk[at] >= least.disk &&
      gpus[at] >= least.gpus &&
      ports[at] >= least.ports;
    if (key !== old || !stays) {
      group.shelf.remove(old, at);
      this.#keys[at] = key;
      if (stays) group.shelf.insert(key, at);
    }
  }

  /** Where an offer stands among the others of its group: smaller comes first. */
  #key(score, at, position) {
    if (this.#order.kind === 'arrival') return position;
    const { cpus, mem, disk, gpus, ports } = this.#columns;
    const key = score.of(cpus[at], mem[at], disk[at], gpus[at], ports[at]);
    return this.#order.kind === 'roomiest' ? -key : key;
  }

  /** Position of the offer, or -1. */
  #search(number, waiting, good) {
    const group = this.#groups.get(waiting.role)?.get(number);
    if (group === undefined || group.isHopeless(waiting)) return -1;
    const [low, high] = this.#bounds(group, waiting);
    if (good === null && !(waiting.traits & WaitingTrait.CONSTRAINED)) {
      const at = group.shelf.find(waiting, low, high, null);
      if (at < 0) group.giveUp(waiting);
      return at;
    }
    return group.shelf.find(waiting, low, high, this.#test(waiting, good));
  }

  /**
   * Keys between which an offer must stand: one with less room by score than the need
   * cannot fit it.
   */
  #bounds(group, { cpus, mem, disk, gpus, ports }) {
    if (this.#order.kind === 'arrival') return [-Infinity, Infinity];
    const score = group.score.of(cpus, mem, disk, gpus, ports);
    return this.#order.kind === 'tightest' ? [score, Infinity] : [-Infinity, -score];
  }

  #test(waiting, good) {
    const offers = this.#offers;
    const allowed = (at) => this.#allowances.left(offers, waiting, at) > 0;
    if (!(waiting.traits & WaitingTrait.CONSTRAINED)) return (at) => good(offers[at]);
    if (good === null) return allowed;
    return (at) => good(offers[at]) && allowed(at);
  }

  /** How many tasks of the set the offer takes. */
  #capacity(at, waiting) {
    const { cpus, mem, disk, gpus, ports } = this.#columns;
    let most = MOST;
    if (waiting.cpus > 0) most = cpus[at] / waiting.cpus;
    if (waiting.mem > 0) most = Math.min(most, mem[at] / waiting.mem);
    if (waiting.disk > 0) most = Math.min(most, disk[at] / waiting.disk);
    if (waiting.gpus > 0) most = Math.min(most, gpus[at] / waiting.gpus);
    if (waiting.ports > 0) most = Math.min(most, ports[at] / waiting.ports);
    const count = Math.floor(Math.min(most, MOST));
    if (count > 0 && waiting.traits & WaitingTrait.CONSTRAINED) {
      return Math.min(count, this.#allowances.left(this.#offers, waiting, at));
    }
    return count;
  }

  /** What waits in a role and what there is for it. */
  #survey(role, sets) {
    const least = {};
    const most = {};
    const wanted = {};
    for (const name of NAMES) {
      let [low, high] = [sets[0][name], sets[0][name]];
      for (const set of sets) {
        if (set[name] < low) low = set[name];
        if (set[name] > high) high = set[name];
      }
      least[name] = low;
      most[name] = high;
      wanted[name] = high > 0;
    }
    const total = { cpus: 0, mem: 0, disk: 0, gpus: 0, ports: 0 };
    const roomy = [];
    this.#offers.forEach((offer, at) => {
      if (offer.role !== role) return;
      total.cpus += offer.cpus;
      total.mem += offer.mem;
      total.disk += offer.disk;
      total.gpus += offer.gpus;
      total.ports += offer.ports;
      if (atLeast(offer, least)) roomy.push(at);
    });
    total.ports = Math.min(total.ports, MOST);
    const score = new Score(this.#order.weights, most, total);
    return { role, least, score, wanted, roomy };
  }

  /** Makes a group of the offers at these positions, which are in order. */
  #shelve(role, number, ats) {
    const keys = ats.map((at) => this.#key(role.score, at, at));
    const sorted = this.#order.kind === 'arrival';
    const shelf = new Shelf(keys, ats, this.#columns, role.wanted, sorted);
    const group = new Group(role.least, role.score, shelf);
    let groups = this.#groups.get(role.role);
    if (groups === undefined) {
      groups = new Map();
      this.#groups.set(role.role, groups);
    }
    groups.set(number, group);
    ats.forEach((at, position) => {
      this.#keys[at] = keys[position];
      this.#groupOf[at] = group;
    });
  }
}
