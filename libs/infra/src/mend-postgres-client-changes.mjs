// What is mended in postgres.js and why: mend-postgres-client.mjs.
import { CONNECTION_CHANGES } from './mend-postgres-client-connection.mjs';

/** @type {readonly { file: string, before: string, after: string }[]} */
export const CHANGES = [
  ...CONNECTION_CHANGES,
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
      , committed = null
      , over = false
      , prepare = null
    const executed = Promise.withResolvers()
`,
  },
  {
    file: 'index.js',
    before: `          : sql\`rollback\`
        )
`,
    after: `          : committed ? committed.catch(() => {}) : sql\`rollback\`
        )
`,
  },
  {
    file: 'index.js',
    before: `          : await sql\`commit\`
      }
`,
    after: `          : await (committed || sql\`commit\`)
      }
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
    after: `      begun = sql.unsafe('begin ' + options.replace(/[^a-z ]/ig, ''), [], {
        onexecute,
        simple: false,
        prepare: true,
        flush: true
      }).execute()
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
      sql.commit = () => {
        committed = sql\`commit\`
        committed.catch(() => {})
        committed.execute()
      }
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
        if (over)
          return q.reject(Errors.generic('TRANSACTION_OVER', 'The transaction has sent its COMMIT'))
        over = q === committed
        q.within = true
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
