// Makes a component of the world `policy` from a project's class.

import policy from '@offerd/entry';
import { exportsOf } from './calls.js';

export const { describe, configure, decide } = exportsOf(policy, false);
