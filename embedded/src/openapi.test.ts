import { SERVICES, type ServiceName } from '@psa/contracts/services';
import { testService } from '@psa/test-kit/service';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFINITIONS } from './definitions.ts';

let stop: (() => Promise<void>) | null = null;
afterEach(async () => {
  await stop?.();
  stop = null;
});

// A change of the API shows in review as a change of these files. `npm run golden` writes them.
describe('the API that a service promises', () => {
  it.each(Object.values(DEFINITIONS))('of $name is its openapi.json', async (definition) => {
    const service = await testService(definition);
    stop = () => service.close();
    const answer = await service.call('GET', '/api/v1/openapi.json');
    expect(answer.status).toBe(200);
    const document = answer.body;
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object));
    expect(operations.length).toBeGreaterThan(0);
    // The gateway knows the way to a service by the first part of a path, from the record of the services.
    const own: readonly string[] = SERVICES[definition.name as ServiceName].prefixes;
    expect(Object.keys(document.paths).filter((path) => !own.includes(path.split('/')[3]!))).toEqual([]);
    // Names in clients are made from operation ids, so that each is there once; summaries make the docs page.
    const ids = operations.map((operation) => operation.operationId);
    expect(ids.filter((id, i) => !id || ids.indexOf(id) !== i)).toEqual([]);
    expect(operations.filter((operation) => !operation.summary)).toEqual([]);
    // Who sorts or thins a list finds the values in the document, not by trying.
    const lists = operations.flatMap(({ operationId, parameters = [] }) =>
      (parameters as { name: string; schema: { 'x-values'?: string[] } }[])
        .filter(
          ({ name }, _i, all) =>
            all.some((one) => one.name === 'sort') && ['sort', 'fields', 'include'].includes(name),
        )
        .map(({ name, schema }) => [operationId, name, schema['x-values'] !== undefined]),
    );
    expect(lists.filter(([, , named]) => !named)).toEqual([]);
    await expect(`${JSON.stringify(document, null, 2)}\n`, 'written by `npm run golden`').toMatchFileSnapshot(
      `../../services/${definition.name}/openapi.json`,
    );
  });
});
