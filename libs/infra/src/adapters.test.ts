import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import postgres from 'postgres';
import { expect, it } from 'vitest';
import { adapters } from './adapters.ts';
import { PostgresFileStore } from './files/postgres-file-store.ts';
import { freePort } from './free-port.ts';
import { silentLog } from './log.ts';
import { startPostgres } from './postgres-server.ts';
import { definitionHash } from './search/elasticsearch-definition.ts';
import { ElasticsearchSearch } from './search/elasticsearch-search.ts';
import { PostgresSearch } from './search/postgres-search.ts';

const settings = {
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  DATABASE_READ_URL: '',
  DATABASE_PREPARE: true,
  RABBITMQ_URL: '',
  REDIS_URL: '',
  REDIS_SENTINELS: '',
  REDIS_MASTER: 'psa',
  REDIS_PASSWORD: '',
  SMTP_URL: '',
  MAIL_FROM: '',
  FILES_DIR: '',
  FILES_DATABASE_URL: '',
  SEARCH_DRIVER: 'postgres',
  ELASTICSEARCH_URL: '',
} as const;

it('searches in PostgreSQL unless told otherwise', async () => {
  const index = adapters.searchIndex(settings, silentLog, 'search');
  expect(index).toBeInstanceOf(PostgresSearch);
  await index.close();
});

/** What stands in for Elasticsearch: it knows of one alias and where that leads. */
async function elasticStandIn(port: number) {
  const made: string[] = [];
  let leadsTo: string | null = null;
  const answer = (url: string, method: string): [status: number, body: object] => {
    if (method === 'PUT') {
      made.push(url);
      leadsTo = url.slice(1);
      return [200, { acknowledged: true }];
    }
    if (url.includes('health')) return [200, { timed_out: leadsTo === null, status: 'green' }];
    return leadsTo === null ? [404, { error: 'alias [psa-search] missing' }] : [200, { [leadsTo]: {} }];
  };
  const server = createServer((request, response) => {
    const [status, body] = answer(request.url!, request.method!);
    response.writeHead(status, {
      'content-type': 'application/json',
      'x-elastic-product': 'Elasticsearch',
    });
    response.end(request.method === 'HEAD' ? undefined : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    made,
    lead: (to: string | null) => {
      leadsTo = to;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const pings = (index: { ping(): Promise<void> }) =>
  index.ping().then(
    () => true,
    () => false,
  );

it('searches in Elasticsearch where SEARCH_DRIVER says so, in the search service alone, and waits for it', async () => {
  const elastic = { ...settings, SEARCH_DRIVER: 'elasticsearch' } as const;
  expect(() => adapters.searchIndex(elastic, silentLog, 'search')).toThrow('ELASTICSEARCH_URL is required');
  const port = await freePort();
  const there = { ...elastic, ELASTICSEARCH_URL: `http://127.0.0.1:${port}` };
  const said: string[] = [];
  const log = { info: (line: string) => said.push(line), warn: (line: string) => said.push(line) };
  const index = adapters.searchIndex(there, log, 'search');
  expect(index).toBeInstanceOf(ElasticsearchSearch);
  const other = adapters.searchIndex(elastic, silentLog, 'tickets');
  expect(other).toBeInstanceOf(PostgresSearch);
  // Nobody is there yet.
  await expect(index.ping()).rejects.toThrow();
  await until(() => said.length > 0);
  const server = await elasticStandIn(port);
  await until(() => pings(index));
  expect(server.made).toEqual([`/psa-search-${definitionHash}`]);
  await until(() => said.length > 1);
  expect(said).toEqual([
    expect.stringContaining('Elasticsearch: connect ECONNREFUSED'),
    'Elasticsearch: the index is ready.',
  ]);
  await Promise.all([index.close(), other.close()]);
  server.close();
});

it('is not ready with an index of another release, nor is one that only asks', async () => {
  const port = await freePort();
  const server = await elasticStandIn(port);
  const elastic = {
    ...settings,
    SEARCH_DRIVER: 'elasticsearch',
    ELASTICSEARCH_URL: `http://127.0.0.1:${port}`,
  } as const;
  server.lead('psa-search-old');
  const indexes = (['serve', 'ask'] as const).map((purpose) =>
    adapters.searchIndex(elastic, silentLog, 'search', purpose),
  );
  for (const index of indexes) await expect(index.ping()).rejects.toThrow('leads to psa-search-old');
  // Deleted, as that says.
  server.lead(null);
  await until(() => pings(indexes[0]!));
  expect(await pings(indexes[1]!)).toBe(true);
  await Promise.all(indexes.map((index) => index.close()));
  server.close();
});

const closed = async (port: object) => {
  if (port instanceof PostgresFileStore) await port.close();
};

it('who only asks makes nothing', async () => {
  const dir = await tempDir('adapters');
  const port = await freePort();
  const [server, elastic] = [
    await startPostgres({ dataDir: join(dir.path, 'pg'), durable: false }),
    await elasticStandIn(port),
  ];
  const env = {
    ...settings,
    FILES_DATABASE_URL: server.superuserUrl(),
    SEARCH_DRIVER: 'elasticsearch',
    ELASTICSEARCH_URL: `http://127.0.0.1:${port}`,
  } as const;
  const sql = postgres(server.superuserUrl());
  const hasTables = async () => {
    const [row] = await sql<{ there: boolean }[]>`SELECT to_regclass('files.files') IS NOT NULL AS there`;
    return row!.there;
  };
  for (let turn = 0; turn < 5; turn++) {
    const [files, index] = [
      await adapters.files(env, silentLog, 'ask'),
      adapters.searchIndex(env, silentLog, 'search', 'ask'),
    ];
    await files.ping();
    expect(await pings(index)).toBe(false);
    await Promise.all([closed(files), index.close()]);
  }
  expect([await hasTables(), elastic.made]).toEqual([false, []]);
  const files = await adapters.files(env, silentLog);
  await until(hasTables);
  await closed(files);
  const folder = join(dir.path, 'files');
  await adapters.files({ ...env, FILES_DIR: folder }, silentLog, 'ask');
  expect(existsSync(folder)).toBe(false);
  await sql.end();
  elastic.close();
  await server.stop();
  await dir.remove();
});
