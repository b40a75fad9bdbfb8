// Mends ten faults of postgres.js 3.4.9 in node_modules, and two costs; run after every installation, harmless to repeat.
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
//     sent, but what was sent with it runs by itself: it must see to it that this does no harm, as
//     libs/service-kit/src/transaction.ts does.
// 12. What one turn of the event loop sends is written in pieces of 1 kB, a system call and a wake-up of the server each.
// 13. Query and Result name what their methods make by a static getter (`Symbol.species`), and V8 throws away again and
//     again whatever it compiles that makes one: they are interpreted for ever, and the compiler is never done, a fifth of
//     the processor time of a service. A constant does the same. Result gives each answer five properties by
//     `defineProperties`, 2 µs a query; as private fields they cost 0.2 µs and are as hidden.
// 14. A query that is sent makes a promise for nobody each time that it is looked at (`execute`, `then`, `catch`).
//
// Plain JavaScript, because it runs before the pinned Node is there.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '3.4.9';

const CHANGES = [
  {
    file: 'connection.js',
    before: `    if (fn || chunk.length >= 1024)
`,
    after: `    if (fn || chunk.length >= 16384)
`,
  },
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
    file: 'connection.js',
    before: `    socket.removeAllListeners()
    socket = null

`,
    after: `    socket.removeAllListeners()
    socket = null

    const cut = Errors.connection('CONNECTION_CLOSED', options, socket)
    stream && (stream.destroy(cut), stream = null)
    query && queryError(query, cut)
    while (sent.length)
      queryError(sent.shift(), cut)
    query = results = errorResponse = final = null
    result = new Result()
    rows = 0

`,
  },
  {
    file: 'connection.js',
    before: `    onclose(connection, Errors.connection('CONNECTION_CLOSED', options, socket))
`,
    after: `    onclose(connection, cut)
    ended && connection.queue === queues.closed && (ended(), ending = ended = null)
`,
  },
  {
    file: 'connection.js',
    before: `    try {
      q.state = backend
      query
        ? sent.push(q)
        : (query = q, query.active = true)

      build(q)
      return write(toBuffer(q))
        && !q.describeFirst
        && !q.cursorFn
        && sent.length < max_pipeline
        && (!q.options.onexecute || q.options.onexecute(connection))
    } catch (error) {
      sent.length === 0 && write(Sync)
      errored(error)
      return true
    }
`,
    after: `    let message
    q.state = backend
    try {
      build(q)
      message = toBuffer(q)
    } catch (error) {
      // Where nothing is under way, the answer to Sync gives the connection back.
      query || (query = q, query.active = true, write(Sync))
      queryError(q, error)
      return sent.length < max_pipeline
    }

    query
      ? sent.push(q)
      : (query = q, query.active = true)

    const takesMore = write(message)
      && !q.describeFirst
      && !q.cursorFn
      && sent.length < max_pipeline
    q.options.onexecute && q.options.onexecute(connection)
    return takesMore
`,
  },
  {
    file: 'connection.js',
    before: `    } catch (e) {
      error(e)
      return
    }
`,
    after: `    } catch (e) {
      errored(e)
      onclose(connection, e)
      return
    }
`,
  },
  {
    file: 'index.js',
    before: `    const queue = Queue()
    const c = open.length
`,
    after: `    const queue = Queue()
    let lost = null
    const c = open.length
`,
  },
  {
    file: 'index.js',
    before: `      ? open.shift()
`,
    after: `      ? open.pop()
`,
  },
  {
    file: 'index.js',
    before: `      return go(open.shift(), query)
`,
    after: `      return go(open.pop(), query)
`,
  },
  {
    file: 'queue.js',
    before: `    push: (x) => (xs.push(x), x),
`,
    after: `    push: (x) => (xs.push(x), x),
    pop: () => {
      const out = xs.pop()
      if (index === xs.length) {
        index = 0
        xs = []
      }
      return out
    },
`,
  },
  {
    file: 'index.js',
    before: `        const query = { reserve: resolve, reject }
`,
    after: `        const query = { reserve: resolve, reject: e => (queries.remove(query), reject(e)) }
`,
  },
  {
    file: 'index.js',
    before: `    c.reserved.release = true
`,
    after: `    c.reserved.release = true
    c.waiting = queue
    c.onclose = e => lost = e
`,
  },
  {
    file: 'index.js',
    before: `    sql.release = () => {
      c.reserved = null
`,
    after: `    sql.release = () => {
      if (lost)
        return
      c.onclose = null
      c.reserved = null
`,
  },
  {
    file: 'index.js',
    before: `    function handler(q) {
      c.queue === full
        ? queue.push(q)
`,
    after: `    function handler(q) {
      if (lost)
        return q.reject(lost)
      c.queue === full
        ? queue.push(q)
`,
  },
  {
    file: 'index.js',
    before: `      connection = c
      move(c, reserved)
`,
    after: `      connection = c
      c.waiting = queries
      executed.resolve()
      move(c, reserved)
`,
  },
  {
    file: 'index.js',
    before: `    c.reserved = null
    c.onclose && (c.onclose(e), c.onclose = null)
`,
    after: `    c.reserved = null
    while (c.waiting && c.waiting.length)
      c.waiting.shift().reject(e)
    c.waiting = null
    c.onclose && (c.onclose(e), c.onclose = null)
`,
  },
  {
    file: 'index.js',
    before: `      , connection
      , prepare = null
`,
    after: `      , connection
      , lost = null
      , begun = null
      , prepare = null
    const executed = Promise.withResolvers()
`,
  },
  {
    file: 'index.js',
    before: `      await sql.unsafe('begin ' + options.replace(/[^a-z ]/ig, ''), [], { onexecute }).execute()
      return await Promise.race([
        scope(connection, fn),
        new Promise((_, reject) => connection.onclose = reject)
      ])
`,
    after: `      begun = sql.unsafe('begin ' + options.replace(/[^a-z ]/ig, ''), [], { onexecute }).execute()
      begun.catch(e => {
        lost || (lost = e)
        while (queries.length)
          queries.shift().reject(lost)
      })
      await (fn.eager ? Promise.race([executed.promise, begun]) : begun)
      return await Promise.race([
        scope(connection, fn),
        new Promise((_, reject) => {
          connection.onclose = e => (lost = e, reject(e))
          begun.catch(reject)
        })
      ])
`,
  },
  {
    file: 'index.js',
    before: `    return c.execute(query)
      ? move(c, busy)
      : move(c, full)
`,
    after: `    const ready = c.execute(query)
    return ready && c.reserved
      ? c
      : move(c, ready ? busy : full)
`,
  },
  {
    file: 'index.js',
    before: `      ready = c.execute(query)
    }
`,
    after: `      ready = c.execute(query)
      if (c.reserved)
        return ready ? c : move(c, full)
    }
`,
  },
  {
    file: 'index.js',
    before: `      sql.savepoint = savepoint
`,
    after: `      sql.savepoint = savepoint
      sql.begun = begun
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
  {
    file: 'result.js',
    before: `  constructor() {
    super()
    Object.defineProperties(this, {
      count: { value: null, writable: true },
      state: { value: null, writable: true },
      command: { value: null, writable: true },
      columns: { value: null, writable: true },
      statement: { value: null, writable: true }
    })
  }

  static get [Symbol.species]() {
    return Array
  }
`,
    after: `${['count', 'state', 'command', 'columns', 'statement']
      .map(
        (name) =>
          `  #${name} = null\n  get ${name}() { return this.#${name} }\n  set ${name}(x) { this.#${name} = x }\n`,
      )
      .join('')}
  static {
    Object.defineProperty(this, Symbol.species, { value: Array })
  }
`,
  },
  {
    file: 'query.js',
    before: `  static get [Symbol.species]() {
    return Promise
  }
`,
    after: `  static {
    Object.defineProperty(this, Symbol.species, { value: Promise })
  }
`,
  },
  {
    file: 'query.js',
    before: `  async handle() {
    !this.executed && (this.executed = true) && await 1 && this.handler(this)
  }
`,
    after: `  handle() {
    this.executed || (this.executed = true, Promise.resolve().then(() => this.handler(this)))
  }
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
