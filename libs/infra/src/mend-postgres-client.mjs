// Mends eleven faults of postgres.js 3.4.9 in node_modules, and some costs; run after every installation, harmless to repeat.
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
// 6. Between a socket's error and its end lies a turn of the event loop. A query that is given to the connection in that
//    time is never answered, or gets the answer of the next one; so does what waits for its turn in a transaction or on
//    a reserved connection, when that is cut. `end` waits for ever for a connection that was cut while it waited.
// 7. A query that cannot be built (a parameter is undefined) while others are under way on its connection fails the one
//    that is being answered, takes the place of the next and leaves the connection dead.
// 8. A transaction that comes to a connection as its 100th query under way fails, and its BEGIN stays open under the
//    queries of others.
// 9. A place in the pool is lost for good when its socket cannot be made (`options.socket` throws).
// 10. Queries take the connection that has rested longest, so two a second keep a pool of ten open for ever, each with a
//    process of the server: none is ever idle for `idle_timeout`. The one used last does as well, and the others end.
// 11. A transaction waits for the answer to BEGIN before it starts: a round trip and a write to the socket, a tenth of what
//     a small transaction costs. One whose function is marked `eager` starts at once. Should BEGIN fail, nothing more is
//     sent, and nothing runs of what was sent with it (17).
// 12. What one turn of the event loop sends is written in pieces of 1 kB, a system call and a wake-up of the server each.
// 13. Query and Result name what their methods make by a static getter (`Symbol.species`), and V8 throws away again and
//     again whatever it compiles that makes one: they are interpreted for ever, and the compiler is never done, a fifth of
//     the processor time of a service. A constant does the same. Result gives each answer five properties by
//     `defineProperties`, 2 µs a query; as private fields they cost 0.2 µs and are as hidden.
// 14. A query that is sent makes a promise for nobody each time that it is looked at (`execute`, `then`, `catch`).
// 15. COMMIT waits for the answers before it: one more write to the socket, and one more wake-up of each side. `sql.commit()`
//     sends it behind the statements under way; nothing can follow.
// 16. A prepared statement whose plan is no longer valid is asked again, within a transaction too. That has failed by then,
//     or with 15 is over: asked again there, a query would find nothing, because row-level security has no settings.
// 17. The server is told after each statement to say that it is ready (Sync), and says so in a packet of its own, which wakes
//     the client. In a transaction one Sync ends all that goes out in one write. What fails is told of what failed, the
//     rest 25P02, and where COMMIT went with it, that is sent again, because the server has passed it over. BEGIN asks for
//     its answer at once (Flush), and when it fails, nothing of what was sent with it runs.
// 18. Each value of each row is cut out of the answer and decoded by itself, two calls into C++ for a value: a fifth of what
//     the service spends on a list. A row is decoded once, as bytes, and cut as text; only what holds more than ASCII is
//     decoded again. Rows of 64 kB and more go as before, since what is cut from a text keeps all of it in memory.
//
// Plain JavaScript, because it runs before the pinned Node is there.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHANGES } from './mend-postgres-client-changes.mjs';

const VERSION = '3.4.9';

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
    for (const file of ['connection.js', 'index.js', 'queue.js', 'query.js', 'result.js']) {
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
      // Never half, and never through a hard link into another installation.
      writeFileSync(`${path}.mended`, text);
      renameSync(`${path}.mended`, path);
      changed++;
    }
  }
  return changed;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) mendPostgresClient();
