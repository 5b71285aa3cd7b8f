// Offers in order of a key, in blocks that know the most that is left in them, so that a
// search skips what cannot fit. What is left of the offers belongs to the fitter; a shelf
// looks into its columns.

/** Entries in a new block: about the square root of a large round. */
const BLOCK = 64;

const FAR = Infinity;

class Block {
  constructor(keys, ats) {
    this.keys = keys;
    this.ats = ats;
    // Measured when it first matters; for many blocks it never does.
    this.cpus = this.mem = this.disk = this.gpus = this.ports = FAR;
    this.exact = false;
  }

  measure(columns, wanted) {
    const most = (column) => {
      let most = 0;
      for (const at of this.ats) if (column[at] > most) most = column[at];
      return most;
    };
    if (wanted.cpus) this.cpus = most(columns.cpus);
    if (wanted.mem) this.mem = most(columns.mem);
    if (wanted.disk) this.disk = most(columns.disk);
    if (wanted.gpus) this.gpus = most(columns.gpus);
    if (wanted.ports) this.ports = most(columns.ports);
    this.exact = true;
  }

  get last() {
    return this.keys[this.keys.length - 1];
  }
}

/** The first position whose key is not below `key`. */
function lower(keys, key) {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where an entry stands, or would stand, in a block. */
function place(keys, ats, key, at) {
  let position = lower(keys, key);
  while (position < keys.length && keys[position] === key && ats[position] < at) position += 1;
  return position;
}

export class Shelf {
  #blocks = [];
  #lasts = [];
  #columns;
  #wanted;
  // Where the last search ended.
  #index = 0;
  #place = 0;

  /** `ats` in order; of equal keys the smaller position comes first. */
  constructor(keys, ats, columns, wanted, sorted) {
    this.#columns = columns;
    this.#wanted = wanted;
    let order = ats.map((_, position) => position);
    if (!sorted) order = order.sort((a, b) => keys[a] - keys[b] || a - b);
    for (let start = 0; start < order.length; start += BLOCK) {
      const part = order.slice(start, start + BLOCK);
      const block = new Block(
        part.map((position) => keys[position]),
        part.map((position) => ats[position]),
      );
      this.#blocks.push(block);
      this.#lasts.push(block.last);
    }
  }

  /**
   * Position of the first offer with a key from `low` to `high` that has room for what is
   * needed and is `good`; -1 if there is none.
   */
  find(need, low, high, good) {
    const { cpus, mem, disk, gpus, ports } = this.#columns;
    const { cpus: needCpus, mem: needMem, disk: needDisk, gpus: needGpus, ports: needPorts } = need;
    const blocks = this.#blocks;
    for (let index = lower(this.#lasts, low); index < blocks.length; index += 1) {
      const block = blocks[index];
      const keys = block.keys;
      if (keys[0] > high) break;
      if (
        needCpus > block.cpus ||
        needMem > block.mem ||
        needDisk > block.disk ||
        needGpus > block.gpus ||
        needPorts > block.ports
      ) {
        continue;
      }
      const ats = block.ats;
      const length = ats.length;
      for (let position = lower(keys, low); position < length; position += 1) {
        const at = ats[position];
        if (
          needCpus <= cpus[at] &&
          needMem <= mem[at] &&
          needDisk <= disk[at] &&
          needGpus <= gpus[at] &&
          needPorts <= ports[at] &&
          (good === null || good(at))
        ) {
          this.#index = index;
          this.#place = position;
          return at;
        }
      }
      if (!block.exact) block.measure(this.#columns, this.#wanted);
    }
    return -1;
  }

  /** Puts an offer at its place. What it has left is in the columns. */
  insert(key, at) {
    if (this.#blocks.length === 0) {
      this.#blocks.push(new Block([key], [at]));
      this.#lasts.push(key);
      return;
    }
    // The first block that ends after the entry, or the last one.
    const index = Math.min(this.#block(key, at), this.#blocks.length - 1);
    const block = this.#blocks[index];
    const position = place(block.keys, block.ats, key, at);
    block.keys.splice(position, 0, key);
    block.ats.splice(position, 0, at);
    this.#lasts[index] = block.last;
    const { cpus, mem, disk, gpus, ports } = this.#columns;
    if (cpus[at] > block.cpus) block.cpus = cpus[at];
    if (mem[at] > block.mem) block.mem = mem[at];
    if (disk[at] > block.disk) block.disk = disk[at];
    if (gpus[at] > block.gpus) block.gpus = gpus[at];
    if (ports[at] > block.ports) block.ports = ports[at];
    if (block.ats.length > 2 * BLOCK) this.#split(index);
  }

  /** Takes an offer away, if it is there. */
  remove(key, at) {
    let index = this.#index;
    let position = this.#place;
    // Mostly it is the one that was found last.
    if (this.#blocks[index]?.ats[position] !== at) {
      index = this.#block(key, at);
      if (index === this.#blocks.length) return;
      const block = this.#blocks[index];
      position = place(block.keys, block.ats, key, at);
    }
    const block = this.#blocks[index];
    if (block.ats[position] !== at) return;
    block.keys.splice(position, 1);
    block.ats.splice(position, 1);
    block.exact = false;
    if (block.ats.length > 0) {
      this.#lasts[index] = block.last;
    } else {
      // An empty block would stand in the way of the binary searches.
      this.#blocks.splice(index, 1);
      this.#lasts.splice(index, 1);
    }
  }

  /** The first block whose last entry is not before the entry. */
  #block(key, at) {
    const lasts = this.#lasts;
    let index = lower(lasts, key);
    while (index < lasts.length && lasts[index] === key) {
      const ats = this.#blocks[index].ats;
      if (ats[ats.length - 1] >= at) break;
      index += 1;
    }
    return index;
  }

  #split(index) {
    const block = this.#blocks[index];
    const rest = new Block(block.keys.splice(BLOCK), block.ats.splice(BLOCK));
    for (const name of ['cpus', 'mem', 'disk', 'gpus', 'ports']) rest[name] = block[name];
    block.exact = false;
    this.#blocks.splice(index + 1, 0, rest);
    this.#lasts[index] = block.last;
    this.#lasts.splice(index + 1, 0, rest.last);
  }
}
