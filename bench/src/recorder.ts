import type { Scope } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import postgres from 'postgres';

/** A statement as it went to the server. */
export interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
}

/**
 * Runs a piece of a service on a connection that writes down each statement, and rolls back: the very SQL that
 * the service sends, for whoever measures the database without the service.
 */
export async function record(
  url: string,
  scope: Scope,
  work: (tx: Tx) => Promise<unknown>,
): Promise<Statement[]> {
  const statements: Statement[] = [];
  const undo = new Error('recorded');
  const sql = postgres(url, {
    max: 1,
    onnotice: () => {},
    debug: (_connection, text, params) => void statements.push({ text, params: [...params] }),
  });
  // JSON goes in as text, as in the services' database.
  for (const type of [114, 3802]) sql.options.serializers[type] = (value: unknown) => value;
  try {
    await sql.begin(async (tx) => {
      await tx`select set_config('psa.tenant_id', ${scope.tenant_id}, true),
        set_config('psa.customer_id', ${scope.customer_id ?? ''}, true),
        set_config('psa.user_id', ${scope.user_id ?? ''}, true)`;
      const sent: PromiseLike<unknown>[] = [];
      const send = (statement: postgres.PendingQuery<postgres.Row[]>) => void sent.push(statement.execute());
      const last = (...statements: readonly PromiseLike<unknown>[]) => Promise.all(statements) as never;
      await work({ sql: tx, orm: undefined as never, send, last, afterCommit: () => {} });
      await Promise.all(sent);
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
  } finally {
    await sql.end();
  }
  // Neither the frame of the transaction nor the driver's own question for array types.
  const isFrame = ({ text }: Statement) =>
    /^\s*(begin|rollback|commit|select set_config|select b\.oid, b\.typarray)/i.test(text);
  return statements.filter((statement) => !isFrame(statement));
}
