// Makes a component of the world `stateful-policy` from a project's class.

import policy from '@offerd/entry';
import { exportsOf } from './calls.js';

const { save, restore, ...calls } = exportsOf(policy, true);

export const { describe, configure, decide } = calls;
export const state = { save, restore };
