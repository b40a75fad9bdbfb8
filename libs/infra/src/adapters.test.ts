import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { adapters } from './adapters.ts';
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
  const index = await adapters.searchIndex(settings, 'search');
  expect(index).toBeInstanceOf(PostgresSearch);
  await index.close();
});

it('searches in Elasticsearch where SEARCH_DRIVER says so, in the search service alone', async () => {
  const elastic = { ...settings, SEARCH_DRIVER: 'elasticsearch' } as const;
  await expect(adapters.searchIndex(elastic, 'search')).rejects.toThrow('ELASTICSEARCH_URL is required');
  const server = createServer((request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-elastic-product': 'Elasticsearch',
    });
    const health = { timed_out: false, status: 'green' };
    response.end(
      JSON.stringify(request.url!.includes('health') ? health : { [`psa-search-${definitionHash}`]: {} }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const index = await adapters.searchIndex({ ...elastic, ELASTICSEARCH_URL: url }, 'search');
  expect(index).toBeInstanceOf(ElasticsearchSearch);
  const other = await adapters.searchIndex(elastic, 'tickets');
  expect(other).toBeInstanceOf(PostgresSearch);
  await Promise.all([index.close(), other.close()]);
  server.closeAllConnections();
  server.close();
});
