// Reads the settings of a policy from its `config` table. `static settings` of the policy's
// class are the defaults; their types say what can be set:
//
//     static settings = { most: 1000, zones: ['a'], weights: { cpus: 1 }, label: null };
//
// `null` takes anything; a list takes any number of what its first item is. A setting that
// is unknown or of another type is reported with its name. `String` in place of the
// defaults takes the JSON text as it is, `Object` any table.

import { PolicyError } from './errors.js';

const KINDS = { boolean: 'a boolean', number: 'a number', string: 'a string' };

const join = (path, name) => (path === '' ? name : `${path}.${name}`);

const kind = (value) => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);

function wrong(path, why) {
  throw new PolicyError(path === '' ? `config: ${why}` : `config.${path}: ${why}`);
}

function read(path, value, usual) {
  if (usual === null) return value;
  if (Array.isArray(usual)) {
    if (!Array.isArray(value)) wrong(path, `${JSON.stringify(value)} is no list`);
    const item = usual[0] ?? null;
    return value.map((one, at) => read(`${path}[${at}]`, one, item));
  }
  if (typeof usual === 'object') return table(path, value, usual);
  if (typeof value !== typeof usual) {
    wrong(path, `${JSON.stringify(value)} is not ${KINDS[typeof usual] ?? `a ${typeof usual}`}`);
  }
  return value;
}

function table(path, value, usual) {
  if (kind(value) !== 'object') wrong(path, `${JSON.stringify(value)} is no table`);
  const known = Object.keys(usual);
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    const names = known.length > 0 ? `known are \`${known.join('`, `')}\`` : 'there are none';
    wrong(join(path, name), `there is no such setting; ${names}`);
  }
  const settings = {};
  for (const name of known) {
    settings[name] =
      value[name] === undefined
        ? structured(usual[name])
        : read(join(path, name), value[name], usual[name]);
  }
  return settings;
}

/** A copy, so that no policy changes the defaults. */
const structured = (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value)));

/** Settings from the JSON text of a config table. */
export function settings(usual, text) {
  if (usual === String) return text;
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PolicyError(`the config is not JSON: ${error.message}`);
  }
  return usual === Object ? value : table('', value, usual ?? {});
}
