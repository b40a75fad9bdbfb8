import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { contextOf } from './app.ts';
import type { RequestContext } from './context.ts';
import type { Database, Tx } from './database.ts';
import { AppError, invalid } from './errors.ts';

/** What a write answers with. */
export interface Written<T> {
  readonly status: number;
  readonly body?: T;
  readonly headers?: Record<string, string>;
}

/**
 * Runs a write in one transaction of the caller and sends its answer. With an `Idempotency-Key` the answer is
 * stored in the same transaction: the same request sent again, even at the same time, gets the first answer
 * and changes nothing; another request under the same key is 409.
 */
export async function write<T>(
  db: Database,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (tx: Tx, ctx: RequestContext) => Promise<Written<T>>,
  /** What the request says besides its JSON body, such as the hash of a file. */
  content?: unknown,
): Promise<FastifyReply> {
  const ctx = contextOf(request);
  const key = idempotencyKey(request);
  const checked = async (tx: Tx) => {
    const result = await work(tx, ctx);
    refuseUncheckedIfMatch(request);
    return result;
  };
  const written = await db.tx(ctx.scope, async (tx) => {
    if (key === null || ctx.actor.id === null) return checked(tx);
    const known = await claim(tx, ctx, key, fingerprint(request, content));
    if (known) return known as Written<T>;
    const result = await checked(tx);
    await tx.sql`
      update idempotency set status = ${result.status}, headers = ${JSON.stringify(result.headers ?? {})}::jsonb,
        body = ${result.body === undefined ? null : JSON.stringify(result.body)}::jsonb
      where tenant_id = ${ctx.scope.tenant_id} and user_id = ${ctx.actor.id} and key = ${key}`;
    return result;
  });
  reply.code(written.status);
  for (const [name, value] of Object.entries(written.headers ?? {})) reply.header(name, value);
  return written.body === undefined ? reply.send() : reply.send(written.body);
}

function idempotencyKey(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined || request.method !== 'POST') return null;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw invalid({
      field: 'Idempotency-Key',
      code: 'wrong_form',
      message: 'must be 1 to 200 printable ASCII characters without spaces',
    });
  }
  return key;
}

/** A fast hash of a password would undo the slow one: secrets are left out of the fingerprint. */
const withoutSecrets = (key: string, value: unknown) =>
  /password|secret|token/i.test(key) ? undefined : value;
const fingerprint = (request: FastifyRequest, content: unknown) =>
  createHash('sha256')
    .update(
      `${request.method} ${request.url}\n${JSON.stringify(content ?? request.body ?? null, withoutSecrets)}`,
    )
    .digest('hex');

/** Takes the key, or waits for whoever holds it and returns the stored answer. */
async function claim(
  tx: Tx,
  ctx: RequestContext,
  key: string,
  print: string,
): Promise<Written<unknown> | null> {
  const mine = await tx.sql`
    insert into idempotency (tenant_id, user_id, key, fingerprint)
    values (${ctx.scope.tenant_id}, ${ctx.actor.id}, ${key}, ${print}) on conflict do nothing returning 1`;
  if (mine.length > 0) return null;
  const [row] = await tx.sql<{ fingerprint: string; status: number; headers: unknown; body: unknown }[]>`
    select fingerprint, status, headers, body from idempotency
    where tenant_id = ${ctx.scope.tenant_id} and user_id = ${ctx.actor.id} and key = ${key}`;
  if (!row || row.fingerprint !== print) {
    throw new AppError(409, 'IDEMPOTENCY_CONFLICT', 'This Idempotency-Key was used for another request.', {
      details: [{ field: 'Idempotency-Key', code: 'key_reused', message: 'was used for another request' }],
    });
  }
  const json = (value: unknown) => (typeof value === 'string' ? JSON.parse(value) : value);
  return {
    status: row.status,
    headers: { ...json(row.headers), 'idempotent-replay': 'true' },
    ...(row.body === null ? {} : { body: json(row.body) }),
  };
}

/** Forgets keys older than a day. */
export async function sweepIdempotency(db: Database): Promise<void> {
  await db.system((tx) => tx.sql`delete from idempotency where created_at < now() - interval '1 day'`);
}

/** The entity tag of a version. */
export const etag = (version: number) => `"${version}"`;

/** 412 with the version that is stored now. */
export const versionConflict = (version: number) =>
  new AppError(
    412,
    'VERSION_CONFLICT',
    'This was changed by somebody else in the meantime. Load it again and repeat your change.',
    { details: [{ field: 'If-Match', code: 'changed', message: `the current version is ${etag(version)}` }] },
  );

/** Requests whose `If-Match` was compared with a stored version. */
const compared = new WeakSet<FastifyRequest>();

/**
 * A condition that nothing compared is refused rather than passed over: who sends `If-Match` believes that somebody
 * else's change is not overwritten.
 */
export function refuseUncheckedIfMatch(request: FastifyRequest): void {
  const header = request.headers['if-match'];
  if (header === undefined || header === '*' || compared.has(request)) return;
  throw invalid({
    field: 'If-Match',
    code: 'contradicts',
    message: 'this request changes nothing that has a version to compare; leave the header out',
  });
}

/**
 * Checks `If-Match` against the stored version: 412 when somebody else was faster. Without the header the
 * named fields are merged; the history keeps what they replaced.
 */
export function checkIfMatch(request: FastifyRequest, version: number): void {
  compared.add(request);
  const header = request.headers['if-match'];
  if (header === undefined || header === '*') return;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (!tags.includes(etag(version))) {
    throw versionConflict(version);
  }
}
