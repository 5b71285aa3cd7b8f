// Stacks name lines of the bundle; here they get those of the sources. The build puts a table
// at the bundle's end (host/toolchain/src/build/lines.rs says what it looks like), which stays
// a text until an error is reported.

/** Where a line of the bundle comes from: `src/policy.js:12`. */
function sourceOf(parts, line) {
  const [source, ...pairs] = parts.findLast((part) => part[1] <= line) ?? [];
  if (source === undefined) return undefined;
  let at = 0;
  while (pairs[at + 2] <= line) at += 2;
  return `${source}:${pairs[at + 1] + line - pairs[at]}`;
}

/** A stack with the sources' lines; as it is where that cannot be. */
export function inSources(stack) {
  // Where the sources themselves run, as in unit tests, there is no table.
  const table = globalThis.offerdLines;
  if (table === undefined) return stack;
  try {
    const parts = JSON.parse(table);
    return stack.replace(/\(\/policy\.js:(\d+):\d+\)$/gm, (frame, line) => {
      const source = sourceOf(parts, Number(line));
      return source === undefined ? frame : `(${source})`;
    });
  } catch {
    // The error that is reported may be that there is no memory left.
    return stack;
  }
}
