// What is mended in a connection of postgres.js and why: mend-postgres-client.mjs.

/** @type {readonly { file: string, before: string, after: string }[]} */
export const CONNECTION_CHANGES = [
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
      chunk = unsynced = null
      error(Errors.connection('CONNECTION_CLOSED', options))
      return false
    }
    sync()
    const x = socket.write(chunk, fn)
    chunk = null
    return x
  }

  function sync() {
    if (unsynced === null)
      return
    unsynced.unsynced = false
    unsynced = null
    chunk = Buffer.concat([chunk, Sync])
`,
  },
  {
    file: 'connection.js',
    before: `    clearImmediate(nextWriteTimer)
    if (socket) {
`,
    after: `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = unsynced = null
    if (socket) {
`,
  },
  {
    file: 'connection.js',
    before: `    clearImmediate(nextWriteTimer)
    socket.removeListener('data', data)
`,
    after: `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = unsynced = null
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

    q.unsynced
      ? (unsynced = q)
      : sync()
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
    before: `    const row = query.isRaw ? new Array(query.statement.columns.length) : {}
`,
    after: `    const text = x.length < 65536 ? x.latin1Slice(0, x.length) : null
    const plain = text !== null && !NON_ASCII.test(text)
    const row = query.isRaw ? new Array(query.statement.columns.length) : {}
`,
  },
  {
    file: 'connection.js',
    before: `          : column.parser === undefined
            ? x.toString('utf8', index, index += length)
            : column.parser.array === true
              ? column.parser(x.toString('utf8', index + 1, index += length))
              : column.parser(x.toString('utf8', index, index += length))
`,
    after: `          : text === null
            ? x.utf8Slice(index, index += length)
            : text.slice(index, index += length)

      if (value !== null && query.isRaw !== true) {
        if (!plain && text !== null && NON_ASCII.test(value))
          value = x.utf8Slice(index - length, index)
        if (column.parser !== undefined)
          value = column.parser(column.parser.array === true ? value.slice(1) : value)
      }
`,
  },
  {
    file: 'connection.js',
    before: `    , ExecuteUnnamed = `,
    after: `    , NON_ASCII = /[^\\x00-\\x7f]/
    , ExecuteAlone = b().E().str(b.N).i32(0).end()
    , ExecuteFlush = Buffer.concat([ExecuteAlone, Flush])
    , ExecuteUnnamed = `,
  },
  {
    file: 'connection.js',
    before: `    , nonce = null
    , query = null
`,
    after: `    , nonce = null
    , unsynced = null
    , query = null
`,
  },
  {
    file: 'connection.js',
    before: `        ? Execute('', q.cursorRows)
        : ExecuteUnnamed
`,
    after: `        ? Execute('', q.cursorRows)
        : q.unsynced
          ? q.options.flush ? ExecuteFlush : ExecuteAlone
          : ExecuteUnnamed
`,
  },
  {
    file: 'connection.js',
    before: `    q.describeFirst = q.onlyDescribe || (parameters.length && !q.prepared)
`,
    after: `    q.describeFirst = q.onlyDescribe || (parameters.length && !q.prepared)
    q.unsynced = (q.within || q.options.flush) && !q.describeFirst && !q.cursorFn && !q.options.simple
`,
  },
  {
    file: 'connection.js',
    before: `    if (query.options.simple)
      return BindComplete()
`,
    after: `    if (query.unsynced)
      return settled()

    if (query.options.simple)
      return BindComplete()
`,
  },
  {
    file: 'connection.js',
    before: `  function EmptyQueryResponse() {
    /* noop */
  }
`,
    after: `  function EmptyQueryResponse() {
    query.unsynced && settled()
  }
`,
  },
  {
    file: 'connection.js',
    before: `    while (sent.length && (query = sent.shift()) && (query.active = true, query.cancelled))
      Connection(options).cancel(query.state, query.cancelled.resolve, query.cancelled.reject)

    if (query)
      return // Consider`,
    after: `    advance()

    if (query)
      return // Consider`,
  },
  {
    file: 'connection.js',
    before: `  function ParseComplete() {
`,
    after: `  function advance() {
    while (sent.length && (query = sent.shift()) && (query.active = true, query.cancelled))
      Connection(options).cancel(query.state, query.cancelled.resolve, query.cancelled.reject)
  }

  function settled() {
    query.resolve(result)
    query = null
    result = new Result()
    advance()
  }

  // The server passed over all up to the Sync behind what failed.
  function passedOver(failed) {
    while (query.unsynced) {
      query = sent.shift()
      if (failed && !query.unsynced && query.string === 'commit')
        return (write(toBuffer(query)), true)
      queryError(query, Errors.postgres({
        severity: 'ERROR',
        severity_local: 'ERROR',
        code: '25P02',
        message: 'current transaction is aborted, commands ignored until end of transaction block'
      }))
    }
  }

  function ParseComplete() {
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
        if (query.unsynced && passedOver(x[5] === 69)) { // E
          errorResponse = null
          result = new Result()
          return
        }
`,
  },
];
