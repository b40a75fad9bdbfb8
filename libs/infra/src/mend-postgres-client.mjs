// Mends five faults of postgres.js 3.4.9 in node_modules; run after every installation, harmless to repeat.
// Without it a lost database connection can end the whole process or leave a connection dead for ever.
//
// 1. `nextWrite` runs from setImmediate and writes to a socket that is null by then: an uncaught TypeError
//    ends the process (porsager/postgres #1066, #1154, #1208; unmerged fixes #1168, #1209).
// 2. Closing clears the pending write's timer without forgetting it, so the connection never flushes again
//    after it was reconnected: every query on it hangs.
// 3. A transaction whose connection was lost goes on with whatever session that connection gets next: its
//    later statements would run outside any transaction, or inside somebody else's.
// 4. A connection lost while it asks for the array types, right after it was opened, rejects a promise that
//    nobody holds: an unhandled rejection ends the process.
// 5. A server that takes a connection and closes it before its greeting (a load balancer with nobody behind it) is
//    tried again at once and for ever: the query never ends, and the process does nothing else.
//
// Plain JavaScript, because it runs before the pinned Node is there.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '3.4.9';

const CHANGES = [
  {
    file: 'connection.js',
    before: `    const x = socket.write(chunk, fn)
    nextWriteTimer !== null && clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    return x
`,
    after: `    nextWriteTimer !== null && clearImmediate(nextWriteTimer)
    nextWriteTimer = null
    if (socket === null) {
      chunk = null
      error(Errors.connection('CONNECTION_CLOSED', options))
      return false
    }
    const x = socket.write(chunk, fn)
    chunk = null
    return x
`,
  },
  {
    file: 'connection.js',
    before: `    clearImmediate(nextWriteTimer)
    if (socket) {
`,
    after: `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    if (socket) {
`,
  },
  {
    file: 'connection.js',
    before: `    clearImmediate(nextWriteTimer)
    socket.removeListener('data', data)
`,
    after: `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    socket.removeListener('data', data)
`,
  },
  {
    file: 'connection.js',
    before: `    if (initial)
      return reconnect()

    !hadError && (query || sent.length) && error(`,
    after: `    if (initial && hadError)
      return reconnect()

    !hadError && (query || initial || sent.length) && error(`,
  },
  {
    file: 'connection.js',
    before: `return fetchArrayTypes()
`,
    after: `return fetchArrayTypes().catch(() => {})
`,
  },
  {
    file: 'index.js',
    before: `      , connection
      , prepare = null
`,
    after: `      , connection
      , lost = null
      , prepare = null
`,
  },
  {
    file: 'index.js',
    before: `new Promise((_, reject) => connection.onclose = reject)
`,
    after: `new Promise((_, reject) => connection.onclose = e => (lost = e, reject(e)))
`,
  },
  {
    file: 'index.js',
    before: `        q.catch(e => uncaughtError || (uncaughtError = e))
        c.queue === full
`,
    after: `        q.catch(e => uncaughtError || (uncaughtError = e))
        if (lost)
          return q.reject(lost)
        c.queue === full
`,
  },
];

/** Folder of the installed client; undefined where it is not installed. */
function installed() {
  try {
    const entry = createRequire(import.meta.url).resolve('postgres');
    return join(dirname(entry), '..', '..');
  } catch {
    return undefined;
  }
}

/**
 * Applies the changes to the installed client.
 * @returns {number} how many files were changed; 0 when all was mended before.
 */
export function mendPostgresClient(folder = installed()) {
  if (!folder) return 0;
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (version !== VERSION) {
    throw new Error(
      `postgres.js is ${version}, and the mending was made for ${VERSION}: see whether the faults are gone and adapt ${fileURLToPath(import.meta.url)}.`,
    );
  }
  let changed = 0;
  for (const source of ['src', 'cjs/src']) {
    for (const file of ['connection.js', 'index.js']) {
      const path = join(folder, source, file);
      const old = readFileSync(path, 'utf8');
      let text = old;
      for (const { before, after } of CHANGES.filter((change) => change.file === file)) {
        if (text.includes(after)) continue;
        if (text.split(before).length !== 2)
          throw new Error(`Unable to mend ${path}: the text is not as expected.`);
        text = text.replace(before, () => after);
      }
      if (text === old) continue;
      writeFileSync(path, text);
      changed++;
    }
  }
  return changed;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) mendPostgresClient();
