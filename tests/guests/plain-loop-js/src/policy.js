// Best fit by CPUs and memory, written as plain loops over the numbers of the round: what
// the language itself costs, beside which `cargo xtask costs` puts plugins/bin-pack-js.

export default class PlainLoop {
  static description = {
    name: 'plain-loop-js',
    version: '0.1.0',
    summary: 'Best fit in plain loops.',
  };

  decide(round, answer) {
    const { offers, waiting } = round;
    const cpus = [];
    const mem = [];
    let [allCpus, allMem] = [0, 0];
    for (const offer of offers) {
      cpus.push(offer.cpus);
      mem.push(offer.mem);
      allCpus += offer.cpus;
      allMem += offer.mem;
    }
    for (const set of waiting) {
      let best = -1;
      let least = Infinity;
      for (let at = 0; at < cpus.length; at += 1) {
        if (cpus[at] < set.cpus || mem[at] < set.mem) continue;
        const left = cpus[at] / allCpus + mem[at] / allMem;
        if (left < least) {
          least = left;
          best = at;
        }
      }
      if (best < 0) continue;
      cpus[best] -= set.cpus;
      mem[best] -= set.mem;
      answer.placements.push({ offer: offers[best].offer, set: set.set, count: 1, reason: 0 });
    }
  }
}
