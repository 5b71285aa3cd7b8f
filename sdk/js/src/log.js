// Lines in the host's log. Several values are joined with spaces; objects are shown as
// JSON. Nothing is made into text for a level that is off.

import { host } from './host.js';
import { inSources } from './lines.js';

function text(value) {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return trace(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** An error with its stack, as people want to read it. */
export function trace(error) {
  if (!(error instanceof Error)) return `thrown: ${text(error)}`;
  const head = `${error.name}: ${error.message}`;
  const stack = inSources(String(error.stack ?? '').trimEnd());
  const whole = stack === '' || stack.startsWith(head) ? stack || head : `${head}\n${stack}`;
  return error.cause === undefined ? whole : `${whole}\ncaused by ${trace(error.cause)}`;
}

/** Whether lines of this level are written. */
export const enabled = (level) => host.logging.enabled(level);

export function write(level, ...values) {
  if (enabled(level)) host.logging.log(level, values.map(text).join(' '));
}

/** Finer than debug. (`trace` makes a text of an error.) */
export const finest = (...values) => write('trace', ...values);
export const debug = (...values) => write('debug', ...values);
export const info = (...values) => write('info', ...values);
export const warn = (...values) => write('warn', ...values);
export const error = (...values) => write('error', ...values);
