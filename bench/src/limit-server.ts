import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import postgres from 'postgres';
import type { Statement } from './recorder.ts';

export interface LimitOrder {
  readonly url: string;
  readonly connections: number;
  /** Whose rows: the settings of the transaction. */
  readonly scope: { tenant_id: string; customer_id: string | null; user_id?: string | null };
  /** Path → the statements that answer it, the first of them the page. */
  readonly answers: Readonly<Record<string, readonly Statement[]>>;
}

// What Node and postgres.js can do at best: no framework, no checks, no log, no limits, just the SQL and JSON.
process.once('message', async (order: LimitOrder) => {
  const { scope } = order;
  const sql = postgres(order.url, { max: order.connections });
  const names = ['psa.tenant_id', 'psa.customer_id', 'psa.user_id'];
  const values = [scope.tenant_id, scope.customer_id ?? '', scope.user_id ?? ''];
  const server = createServer(async (req, res) => {
    const statements = order.answers[req.url!]!;
    try {
      const [rows, counted] = (await sql.begin('read only', async (tx) => {
        tx`select set_config(n, v, true) from unnest(${names}::text[], ${values}::text[]) as s(n, v)`.execute();
        return Promise.all(
          statements.map(({ text, params }) => tx.unsafe(text, params as never[], { prepare: true })),
        );
      })) as unknown as [unknown[], { n: string }[]];
      const body = JSON.stringify({ data: rows.slice(0, 20), meta: { total: Number(counted[0]?.n) } });
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      res.end(body);
    } catch (error) {
      res.writeHead(500).end(String(error));
    }
  });
  server.listen(0, '127.0.0.1', () => {
    process.send!({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  });
});
process.on('disconnect', () => process.exit(0));
