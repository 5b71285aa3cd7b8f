// Who answers the policy's calls: the host, or a test. The glue connects the
// contract's imports in a component; `testing.js` connects a stand-in. Nothing here
// knows what the calls mean.

import { NoHost } from './errors.js';

const INTERFACES = ['clock', 'cluster', 'logging', 'metrics', 'random'];

/** Stands for an interface where there is no host. */
const nobody = (name) =>
  new Proxy(
    {},
    {
      get: (_, call) => () => {
        throw new NoHost(
          `${name}.${String(call)} asks the host, and there is none here: call the policy with ` +
            'Cluster of @offerd/sdk/testing',
        );
      },
    },
  );

/** The interfaces of the contract by name. */
export const host = Object.fromEntries(INTERFACES.map((name) => [name, nobody(name)]));

/** Lets calls go to the functions of these objects; gives what they went to before. */
export function connect(interfaces) {
  const before = { ...host };
  Object.assign(host, interfaces);
  return before;
}
