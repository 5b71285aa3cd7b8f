// What a host would refuse of an answer, as far as a test needs to know.

import { Amounts } from './amounts.js';

/** Each decision of an answer that the host would refuse, in words. */
export function violations(round, tasks, answer) {
  const wrong = [];
  const offers = new Map(round.offers.map((offer) => [offer.offer, offer]));
  const waiting = new Map(round.waiting.map((set) => [set.set, set]));
  const alive = new Set([...tasks].map((task) => task.task));
  const used = new Map();
  const placed = new Map();
  const gone = new Set();
  const because = (kind, { reason }) => {
    if (reason > answer.reasons.length) {
      wrong.push(`${kind} with reason ${reason} of ${answer.reasons.length}`);
    }
  };
  const goes = (kind, offer) => {
    if (!offers.has(offer)) wrong.push(`${kind} of offer ${offer}, which the round does not show`);
    if (gone.has(offer) || used.has(offer)) {
      wrong.push(`${kind} of offer ${offer}, which is used already`);
    }
    gone.add(offer);
  };
  for (const kill of answer.kills) {
    if (!alive.has(kill.task)) wrong.push(`kill of task ${kill.task}, which does not live`);
    because('kill', kill);
  }
  for (const placement of answer.placements) {
    const { offer, set, count } = placement;
    const what = `placement of ${count} of set ${set} on offer ${offer}`;
    const [there, wants] = [offers.get(offer), waiting.get(set)];
    because('placement', placement);
    if (there === undefined || wants === undefined) {
      wrong.push(`${what}: the round shows no such offer or set`);
      continue;
    }
    if (there.role !== wants.role) wrong.push(`${what}: their roles differ`);
    if (count === 0) wrong.push(`${what}: it places nothing`);
    const taken = (used.get(offer) ?? new Amounts()).plus(Amounts.ofRecord(wants).times(count));
    used.set(offer, taken);
    if (!Amounts.ofRecord(there).fits(taken)) wrong.push(`${what}: the offer has no room for it`);
    placed.set(set, (placed.get(set) ?? 0) + count);
    if (placed.get(set) > wants.count) wrong.push(`${what}: only ${wants.count} wait`);
  }
  for (const decline of answer.declines) {
    goes('decline', decline.offer);
    because('decline', decline);
  }
  for (const action of answer.actions) {
    if (action.action.tag === 'accept') {
      for (const offer of action.action.val.offers) goes('accept', offer);
    }
    because('action', action);
  }
  if (answer.rest !== null) because('declineRest', answer.rest);
  return wrong;
}
