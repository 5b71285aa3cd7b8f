// Every decision, made as a policy makes it: through the SDK's face. Only what no face makes
// is set in the records.

import { NONE, resource } from '@offerd/sdk';

const { items, persistent, ranges, reservedFor, scalar } = resource;

const message = { name: 't' };

export function decideAll(answer) {
  answer.place(1, 2, 3).because('a place ☃');
  answer.place(1, 4, 1);
  answer.decline(5).refuse(6000).because('a decline');
  answer.decline(6);
  answer.kill(8).grace(9000).because('a place ☃');
  answer.kill(9).because('');
  answer.leftoverFor(13000);
  answer.declineRest().refuse(11000).because('the rest');
  accept(answer);
  act(answer);
}

function accept(answer) {
  answer
    .accept(1, 2)
    .launch(message, Uint8Array.of(8, 1))
    .place(1, 2)
    .launchGroup(message, message)
    .reserve(reserved())
    .reserve(tags())
    .withId('op-1')
    .unreserve(reserved())
    .withId('op-2')
    .create(volume())
    .withId('op-3')
    .destroy(volume())
    .growVolume(volume(), scalar('disk', 1))
    .withId('op-4')
    .shrinkVolume(volume(), 64000)
    .createDisk(raw(), 'mount', 'fast')
    .withId('op-5')
    .createDisk(raw(), 'block')
    .destroyDisk(raw())
    .refuse(1000)
    .because('an accept');
  answer.accept(3).place(1, 1);
}

function act(answer) {
  answer.revive(0, 1).because('a revival');
  answer.suppress(1);
  answer.shutdown(3, 'e');
  answer.message(3, 'e', Uint8Array.of(0, 255)).because('a message');
  answer.request({ agent: 4, resources: [scalar('cpus', 0.5)] });
  answer.reconcile(5);
  answer.reconcile();
  answer.reconcileOperations(
    { operationId: 'o', agent: NONE, provider: 'p' },
    { operationId: 'q', agent: 7, provider: null },
  );
  answer.acceptInverse(6);
  answer.declineInverse(7, 8).refuse(2000).because('not in time');
  answer.updateFramework({ framework: message, constraints: Uint8Array.of(1) });
  answer.updateFramework({ constraints: message });
  answer.timer(8, 9000);
  answer.timer(3_000_000_000, 500);
  answer.cancelTimer(8);
}

function reserved() {
  const cpus = reservedFor(reservedFor(scalar('cpus', 0.1), 'r'), 'r/s', 'me');
  for (const reservation of cpus.reservations) {
    reservation.labels.push({ key: 'k', value: reservation.principal });
  }
  // Made by the agent's operator.
  cpus.reservations[0].kind = 'fixed';
  return cpus;
}

const tags = () => ({ ...items('tags', ['a', '☃']), revocable: true, provider: 'p' });

function volume() {
  const disk = { ...scalar('disk', 64), disk: source('path'), shared: true };
  const made = persistent(reservedFor(disk, 'r', 'me'), 'v', 'data');
  Object.assign(made.disk.volume, { hostPath: '/srv', readOnly: true });
  return made;
}

const raw = () => ({ ...ranges('blocks', [[1, 2], [4, 4]]), disk: source('raw') });

const source = (kind) => ({
  persistence: null,
  volume: null,
  source: {
    kind,
    root: '/mnt',
    id: 'd',
    vendor: null,
    profile: null,
    metadata: [{ key: 'm', value: null }],
  },
});
