// What is mended in postgres.js and why: mend-postgres-client.mjs.

/** @type {readonly { file: string, before: string, after: string }[]} */
export const CHANGES = [
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
    file: 'connection.js',
    before: `          : query.prepared && retryRoutines.has(errorResponse.routine)
            ? retry(query, errorResponse)
            : errored(errorResponse)
`,
    after: `          : query.prepared && retryRoutines.has(errorResponse.routine)
            ? query.within
              ? (delete statements[query.signature], errored(errorResponse))
              : retry(query, errorResponse)
            : errored(errorResponse)
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
