import { cpus } from 'node:os';
import type { SearchDocument } from '@psa/contracts/ports/search';
import { PostgresSearch } from '@psa/infra/search/postgres-search';
import { type CorpusOptions, corpus, corpusQueries } from '@psa/test-kit/corpus';
import postgres from 'postgres';
import { cpuOf } from '../cpu-times.ts';
import { family } from '../family.ts';
import { ms, percentile, whole } from '../measure.ts';
import { startPlatform } from '../platform.ts';
import type { Benchmark, Row, Say } from '../row.ts';

const TICKETS = 200_000;
const CUSTOMERS = 2_000;
const QUERIES = 400;
const WRITERS = 2;
const AT_ONCE = 500;
const AGENTS = 20;
const AGENTS_SECONDS = 20;

/** Fills the index as its consumer does, several batches at a time. */
async function fill(index: PostgresSearch, options: CorpusOptions): Promise<void> {
  const documents = corpus(options);
  const writer = async () => {
    for (;;) {
      const batch: SearchDocument[] = [];
      // Not `take`: it would end the generator with the first batch.
      for (let next = documents.next(); !next.done; next = documents.next()) {
        if (batch.push(next.value) === AT_ONCE) break;
      }
      if (batch.length === 0) return;
      await index.put(batch);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

async function run(say: Say): Promise<Row[]> {
  const platform = await startPlatform();
  const bare = postgres(platform.roleUrl('search'), { max: 1, onnotice: () => {} });
  try {
    const { claims } = await platform.signIn();
    const options: CorpusOptions = { tenantId: claims.tid, tickets: TICKETS, customers: CUSTOMERS };
    // The limit of 30 s is for people; here two writers wait for each other's words.
    const url = `${platform.roleUrl('search')}?statement_timeout=0&synchronous_commit=off`;
    const index = new PostgresSearch({ url, max: WRITERS });
    const began = performance.now();
    const [gin] = await platform.admin<{ indexdef: string }[]>`
      select indexdef from pg_indexes where schemaname = 'search' and indexname = 'documents_sliced'`;
    await platform.admin.unsafe('drop index search.documents_sliced');
    await fill(index, options);
    await index.close();
    await platform.admin.begin(async (sql) => {
      await sql.unsafe(`set local maintenance_work_mem = '512MB'`);
      await sql.unsafe(gin!.indexdef);
      await sql.unsafe('alter index search.documents_sliced alter column 1 set statistics 0');
    });
    await platform.admin.unsafe('vacuum (analyze) search.documents, search.words');
    const [indexed] = await platform.admin<{ n: number }[]>`
      select count(*)::int as n from search.documents where tenant_id = ${claims.tid} and type = 'ticket'`;
    if (indexed!.n < TICKETS) throw new Error(`Only ${indexed!.n} tickets are in the index.`);
    say(`${whole(indexed!.n)} tickets in the index after ${whole((performance.now() - began) / 1000)} s`);
    const { token } = await platform.signIn();
    const taken: Record<string, number[]> = {};
    const plain: number[] = [];
    let n = 0;
    for (const { text, kind } of corpusQueries(options)) {
      const started = performance.now();
      const answer = await fetch(`${platform.url}/api/v1/search?q=${encodeURIComponent(text)}&limit=20`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (!answer.ok) throw new Error(`search "${text}": ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
      const ended = performance.now();
      // The first answers find cold caches.
      if (++n > 40) {
        (taken[kind] ??= []).push(ended - started);
        plain.push(await plainSearch(bare, claims.tid, text));
      }
      if (n === QUERIES + 40) break;
    }
    const all = Object.values(taken).flat();
    const p95 = percentile(all, 0.95);
    const byKind = Object.entries(taken).map(
      ([kind, values]) => `${kind} ${ms(percentile(values, 0.95))} (${values.length})`,
    );
    say(`p95 by kind: ${byKind.join(', ')}`);
    const together = await agentsAtOnce(platform.url, platform.pid, token, options);
    const { node, database, client } = together;
    return [
      {
        what: `search, ${whole(TICKETS)} tickets, German and English, 30 % with typing errors, p95, through the gateway`,
        ours: `${ms(p95)} (p50 ${ms(percentile(all, 0.5))}; typing errors p95 ${ms(percentile(taken.typo ?? [], 0.95))})`,
        limit: `${ms(percentile(plain, 0.95))} (the words in the GIN index, nothing else)`,
        ratio: (p95 / percentile(plain, 0.95)).toFixed(1),
        target: '≤ 120 ms',
        met: p95 <= 120,
        note: `by kind, p95: ${byKind.join(', ')}.`,
      },
      {
        what: `the same, ${AGENTS} agents searching at once`,
        ours: `${whole(together.perSecond)}/s, p50 ${ms(percentile(together.taken, 0.5))}`,
        limit: `${whole(1000 / (all.reduce((sum, one) => sum + one, 0) / all.length))}/s (one agent alone)`,
        ratio: (together.perSecond / (1000 / (all.reduce((sum, one) => sum + one, 0) / all.length))).toFixed(
          2,
        ),
        target: '≥ 120/s',
        met: together.perSecond >= 120,
        note: `a search costs ${ms(node + database + client)} of processor time: ${ms(node)} in the platform's process, ${ms(database)} in PostgreSQL, ${ms(client)} in the client; so ${cpus().length} cores give ${whole((cpus().length * 1000) / (node + database + client))}/s at most, and the one process ${whole(1000 / node)}/s.`,
      },
    ];
  } finally {
    await bare.end({ timeout: 2 });
    await platform.stop();
  }
}

/** Agents that each ask again as soon as they are answered; with the processor time of one search, in milliseconds. */
async function agentsAtOnce(url: string, pid: number, token: string, options: CorpusOptions) {
  const taken: number[] = [];
  const queries = corpusQueries(options);
  for (let i = 0; i < QUERIES + 40; i++) queries.next();
  const spent = async () => new Map((await family(pid)).map((one) => [one, cpuOf(one)]));
  const before = { platform: await spent(), client: process.cpuUsage() };
  const began = performance.now();
  const agent = async () => {
    while (performance.now() - began < AGENTS_SECONDS * 1000) {
      const { text } = queries.next().value!;
      const started = performance.now();
      const answer = await fetch(`${url}/api/v1/search?q=${encodeURIComponent(text)}&limit=20`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (!answer.ok) throw new Error(`search "${text}": ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
      taken.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: AGENTS }, agent));
  const client = process.cpuUsage(before.client);
  const after = await spent();
  // A connection that was opened meanwhile has a process of its own, which began at nothing.
  const each = [...after].map(([one, total]) => ({ one, took: total - (before.platform.get(one) ?? 0) }));
  const sum = (those: typeof each) => those.reduce((all, { took }) => all + took, 0) / taken.length;
  return {
    taken,
    perSecond: taken.length / ((performance.now() - began) / 1000),
    node: sum(each.filter(({ one }) => one === pid)),
    database: sum(each.filter(({ one }) => one !== pid)),
    client: (client.user + client.system) / 1000 / taken.length,
  };
}

/** What PostgreSQL takes to find the best 20 of the plain words: no correction, no highlights, no service. */
async function plainSearch(sql: postgres.Sql, tenantId: string, text: string): Promise<number> {
  const started = performance.now();
  await sql.begin('read only', async (tx) => {
    await tx`select set_config('psa.tenant_id', ${tenantId}, true)`;
    await tx`
      with q as (select plainto_tsquery('simple', unaccent(lower(${text}))) as q)
      select f.* from q, search.ranked(q.q, null, q.q, array[q.q], array[q.q], '', '$$', null, null, null, null, null,
        null, false, now(), 1000, 0, 20) f`;
  });
  return performance.now() - started;
}

export const search: Benchmark = {
  name: 'search',
  method: `A corpus of help-desk texts with the word frequencies of real text (libs/test-kit), ${QUERIES} queries one after the other as people type them: words, beginnings, numbers, and three in ten with a typing error. In turn with each, the limit: the same words through the index function alone. Then ${AGENTS} agents for ${AGENTS_SECONDS} s.`,
  run,
};
