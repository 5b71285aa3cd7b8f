// Writes contract.d.ts, the types of the contract, from wit/: `node tools/types.js`. A test
// proves that what is committed is what this gives.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sdk = new URL('../', import.meta.url);
// In the SDK of a new project, else in offerd's checkout.
const wit = [new URL('wit/', sdk), new URL('../../wit/', sdk)].find((folder) => existsSync(folder));

const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const pascal = (name) => camel(`-${name}`);

const PLAIN = { string: 'string', bool: 'boolean' };
const TIMES = ['milli', 'instant', 'duration'];

function type(text) {
  const [, outer, inner] = text.match(/^(list|option)<(.*)>$/) ?? [];
  if (outer === 'option') return `${type(inner)} | null`;
  if (outer === 'list') {
    const item = type(inner);
    if (inner === 'u8') return 'Uint8Array';
    return item.includes('|') ? `(${item})[]` : `${item}[]`;
  }
  if (/^([us](8|16|32|64)|f64)$/.test(text)) return 'number';
  return PLAIN[text] ?? pascal(text);
}

function documented(lines, indent) {
  if (lines.length === 0) return [];
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  const body = lines.map((line) => `${indent} * ${line}`.trimEnd());
  return [`${indent}/**`, ...body, `${indent} */`];
}

/** Fields or cases of a declaration, with their comments. */
function members(body) {
  const found = [];
  let comment = [];
  for (const line of body.split('\n').map((line) => line.trim())) {
    if (line.startsWith('///')) {
      comment.push(line.slice(3).trim());
      continue;
    }
    for (const part of line.split(/,(?![^<]*>)/)) {
      if (part.trim() === '') continue;
      const [, name, given] = part.trim().match(/^%?([a-z0-9-]+)\s*(.*)$/);
      found.push({ name, comment, type: given.replace(/^[:(]\s*|\)$/g, '').trim() });
      comment = [];
    }
  }
  return found;
}

const FORMS = {
  record: (name, parts) => [
    `export interface ${name} {`,
    ...parts.flatMap((part) => [
      ...documented(part.comment, '  '),
      `  ${camel(part.name)}: ${type(part.type)};`,
    ]),
    '}',
  ],
  enum: (name, parts) => [
    `export type ${name} = ${parts.map((part) => `'${part.name}'`).join(' | ')};`,
  ],
  variant: (name, parts) => [
    `export type ${name} =`,
    ...parts.flatMap((part, at) => [
      ...documented(part.comment, '  '),
      `  | { tag: '${part.name}'; val: ${type(part.type)} }${at === parts.length - 1 ? ';' : ''}`,
    ]),
  ],
};

/** The text of contract.d.ts. */
export function declarations() {
  const text = ['types', 'host', 'policy']
    .map((name) => readFileSync(new URL(`${name}.wit`, wit), 'utf8'))
    .join('\n');
  const lines = [
    '// Made from wit/ by tools/types.js; do not edit.',
    '',
    ...TIMES.map((name) => {
      const [, doc] = text.match(new RegExp(`((?:[ \\t]*///[^\\n]*\\n)*)[ \\t]*type ${name} =`));
      const comment = doc.split('\n').filter(Boolean).map((line) => line.trim().slice(3).trim());
      return [...documented(comment, ''), `export type ${pascal(name)} = number;`].join('\n');
    }),
  ];
  const pattern =
    /((?:[ \t]*\/\/\/[^\n]*\n)*)[ \t]*(record|variant|enum) ([a-z0-9-]+) \{([^}]*)\}/g;
  for (const [, doc, kind, name, body] of text.matchAll(pattern)) {
    const comment = doc.split('\n').filter(Boolean).map((line) => line.trim().slice(3).trim());
    lines.push('', ...documented(comment, ''), ...FORMS[kind](pascal(name), members(body)));
  }
  return `${lines.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('contract.d.ts', sdk), declarations());
}
