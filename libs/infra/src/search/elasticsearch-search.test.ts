import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { searchContract, searchDocument } from '@psa/test-kit/search.contract';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { definitionHash } from './elasticsearch-definition.ts';
import { ElasticsearchSearch } from './elasticsearch-search.ts';

const url = process.env.ELASTICSEARCH_URL;

// Needs a server, which no package brings along: docs/adr/0011-elasticsearch.md says how to run it.
if (url) {
  const alias = `psa-test-${randomUUID()}`;
  const open = async () => {
    const index = new ElasticsearchSearch({ url, alias });
    await index.prepare();
    return index;
  };
  searchContract('Elasticsearch', { open });

  describe('Elasticsearch', () => {
    afterAll(() => fetch(`${url}/${alias}-${definitionHash}`, { method: 'DELETE' }));

    it('is prepared by several at once, and refuses an index of another definition', async () => {
      const own = `${alias}-own`;
      const several = Array.from({ length: 4 }, () => new ElasticsearchSearch({ url, alias: own }));
      await Promise.all(several.map((one) => one.prepare()));
      await fetch(`${url}/${own}-${definitionHash}`, { method: 'DELETE' });
      await expect(several[0]!.ping()).rejects.toThrow();
      await expect(several[0]!.put([searchDocument(randomUUID())])).rejects.toThrow();
      await fetch(`${url}/${own}-old`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ aliases: { [own]: {} } }),
      });
      await expect(several[0]!.prepare()).rejects.toThrow(`leads to ${own}-old`);
      await fetch(`${url}/${own}-old`, { method: 'DELETE' });
      await Promise.all(several.map((one) => one.close()));
    });

    it('takes mistyped words within quotes', async () => {
      const [index, tenantId] = [await open(), randomUUID()];
      await index.put([
        searchDocument(tenantId, { title: 'Drucker druckt nicht' }),
        searchDocument(tenantId, { title: 'Nicht der Drucker' }),
      ]);
      const asked = { tenant_id: tenantId, customer_id: null, limit: 20, offset: 0 };
      const found = await index.query({ ...asked, text: '"drukcer druckt"' });
      expect(found.hits.map((hit) => hit.title)).toEqual(['Drucker druckt nicht']);
      expect(found.corrected).toEqual({ drukcer: ['drucker'] });
      await index.close();
    });

    it('marks the first 100 hits of a long answer, and gives each hit once', async () => {
      const [index, tenantId] = [await open(), randomUUID()];
      await index.put(
        Array.from({ length: 130 }, (_, i) =>
          searchDocument(tenantId, { title: `Reihe ${i}`, body: `Reihe im Text ${i}` }),
        ),
      );
      const asked = { tenant_id: tenantId, customer_id: null, text: 'reihe', offset: 0 };
      const { hits, total } = await index.query({ ...asked, limit: 1_000 });
      expect([total, new Set(hits.map((hit) => hit.id)).size]).toEqual([130, 130]);
      expect(hits.filter((hit) => hit.highlights.body !== '')).toHaveLength(100);
      expect(hits.every((hit) => hit.highlights.title.includes('\uE000Reihe\uE001'))).toBe(true);
      await index.close();
    });
  });
}

describe('the Elasticsearch adapter', () => {
  interface Call {
    readonly path: string;
    readonly body: string;
  }
  let server: Server | null = null;
  let index: ElasticsearchSearch | null = null;
  afterEach(async () => {
    await index?.close();
    server?.closeAllConnections();
    server?.close();
    [index, server] = [null, null];
  });
  /** The adapter before a server that answers each request in Elasticsearch's form, and what it was asked. */
  async function before(answer: (call: Call) => { status?: number; body: unknown }) {
    const calls: Call[] = [];
    server = createServer(async (request, response) => {
      const call = { path: request.url!, body: await text(request) };
      calls.push(call);
      const { status = 200, body } = answer(call);
      response.writeHead(status, {
        'content-type': 'application/json',
        'x-elastic-product': 'Elasticsearch',
      });
      response.end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    index = new ElasticsearchSearch({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    return { index, calls };
  }
  const nothing = { hits: { total: { value: 0, relation: 'eq' }, hits: [] } };
  /** An index without documents and without stop words. */
  const findingNothing = ({ path, body }: Call) => {
    if (path.includes('_analyze')) {
      const words = (JSON.parse(body) as { text: string }).text.split(' ');
      return { body: { tokens: words.map((_, position) => ({ position })) } };
    }
    if (!path.includes('_msearch')) return { body: nothing };
    const searches = body.trim().split('\n').slice(1);
    return { body: { responses: searches.map(() => nothing) } };
  };
  const items = (...results: { status: number; error?: { type: string; reason: string } }[]) => ({
    body: { errors: true, items: results.map((result) => ({ index: { _id: 'x', ...result } })) },
  });

  it('names tenant, customer and owner in every search, and internal text in none of a portal user', async () => {
    const { index, calls } = await before(findingNothing);
    const [tenant_id, customer_id, id] = ['11111111', '22222222', '33333333'];
    const only = { type: 'ticket', ids: [id] };
    const asked = { tenant_id, customer_id, types: ['ticket'], only, limit: 200, offset: 0 };
    await index.query({ ...asked, text: 'drucker "kein papier" t-17' });
    await index.query({ ...asked, text: 'drukcer' });
    const searches = calls.flatMap(({ path, body }) => {
      if (path.includes('_analyze')) return [];
      if (!path.includes('_msearch')) {
        expect(path).toContain(`routing=${tenant_id}`);
        return [body];
      }
      const lines = body.trim().split('\n');
      for (const header of lines.filter((_, i) => i % 2 === 0))
        expect(JSON.parse(header)).toMatchObject({ routing: tenant_id });
      return lines.filter((_, i) => i % 2 === 1);
    });
    expect(searches.length).toBeGreaterThan(4);
    for (const search of searches) {
      expect(JSON.parse(search).query.bool.filter).toEqual(
        expect.arrayContaining([
          { term: { tenant_id } },
          { term: { removed: false } },
          { term: { customer_id } },
          {
            bool: {
              should: [{ terms: { id: [id] } }, { bool: { must_not: [{ term: { type: 'ticket' } }] } }],
              minimum_should_match: 1,
            },
          },
          { terms: { type: ['ticket'] } },
        ]),
      );
      expect(search).not.toContain('internal');
    }
  });

  it('asks for synonyms, state, age, last digits and a whole title, and narrows and sorts as it is told', async () => {
    const { index, calls } = await before(findingNothing);
    const asked = { tenant_id: 'a', customer_id: null, limit: 20, offset: 0 };
    const filter = {
      statuses: ['new', 'closed'],
      customer_id: 'b',
      updated_after: '2026-01-01T00:00:00Z',
      updated_before: '2026-02-01T00:00:00Z',
    };
    const synonyms = [['drucker', 'network printer']];
    const now = '2026-06-15T10:00:00Z';
    await index.query({ ...asked, text: 'Drucker 08719653210', filter, synonyms, sort: 'newest', now });
    const { query, sort } = JSON.parse(calls.find(({ path }) => path.includes('_search'))!.body);
    expect(sort).toEqual([{ updated_at: 'desc' }, { id: 'desc' }]);
    expect(query.bool.filter).toEqual(
      expect.arrayContaining([
        { terms: { state: ['new', 'closed'] } },
        { term: { customer_id: 'b' } },
        { range: { updated_at: { gte: '2026-01-01T00:00:00Z' } } },
        { range: { updated_at: { lt: '2026-02-01T00:00:00Z' } } },
      ]),
    );
    const [must, should] = [JSON.stringify(query.bool.must), JSON.stringify(query.bool.should)];
    expect(must).toContain('{"match_phrase":{"title":"network printer"}}');
    expect(must).toContain('{"match_bool_prefix":{"title":"ǁ0123569178"}}');
    // Two groups: each counts for half.
    expect(must).toContain('"boost":5}');
    expect(should).toContain('{"constant_score":{"filter":{"term":{"state":"$open"}},"boost":6}}');
    expect(should.match(/"range"/g)).toHaveLength(4);
    expect(should).toContain('"gt":"2026-06-09T00:00:00.000Z"');
    expect(should).toMatch(/"exact":\["08719653210","~[\w-]{8}"\]/);

    await index.put([searchDocument('a', { title: 'Drucker', state: { status: 'new', open: true } })]);
    const written = JSON.parse(calls.at(-1)!.body.split('\n')[1]!);
    expect(written).toMatchObject({ state: ['new', '$open'], exact: [expect.stringMatching(/^~[\w-]{8}$/)] });
  });

  it('takes "a newer version is there" for done, and nothing else', async () => {
    const conflict = { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'newer' } };
    const { index, calls } = await before(({ body }) =>
      body.includes('Falsch')
        ? items(conflict, { status: 400, error: { type: 'document_parsing_exception', reason: 'no date' } })
        : items(conflict, { status: 201 }),
    );
    const [one, two] = [searchDocument(randomUUID()), searchDocument(randomUUID(), { version: 7 })];
    await index.put([one, two]);
    const [, , second] = calls[0]!.body.split('\n').map((line) => line && JSON.parse(line));
    expect(second.index).toMatchObject({
      version: 7,
      version_type: 'external_gte',
      routing: two.tenant_id,
    });
    expect(calls[0]!.path).toContain('require_alias=true');
    await expect(index.put([one, { ...two, title: 'Falsch' }])).rejects.toThrow(
      'document_parsing_exception: no date',
    );
  });

  it('writes large batches in parts', async () => {
    const { index, calls } = await before(() => ({ body: { errors: false, items: [] } }));
    const large = { body: 'wort '.repeat(600_000) };
    await index.put(Array.from({ length: 5 }, () => searchDocument(randomUUID(), large)));
    await index.put(Array.from({ length: 1_001 }, () => searchDocument(randomUUID())));
    expect(calls.map((call) => call.body.trim().split('\n').length / 2)).toEqual([2, 2, 1, 500, 500, 1]);
  });

  it('is not ready while the index is not, and says when a search fails', async () => {
    const { index } = await before(({ path }) =>
      path.includes('_cluster/health')
        ? { status: 408, body: { timed_out: true, status: 'red' } }
        : path.includes('_alias')
          ? { body: { [`psa-search-${definitionHash}`]: {} } }
          : { status: 503, body: { error: { type: 'no_shard_available_action_exception', reason: 'x' } } },
    );
    await expect(index.ping()).rejects.toThrow('is not available');
    const asked = { tenant_id: 'a', customer_id: null, limit: 20, offset: 0 };
    await expect(index.query({ ...asked, text: 'drucker' })).rejects.toThrow('no_shard_available');
  });
});
