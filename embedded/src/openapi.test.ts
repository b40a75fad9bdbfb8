import { authService } from '@psa/auth/app';
import { crmService } from '@psa/crm/app';
import { eventsService } from '@psa/events/app';
import { searchService } from '@psa/search/app';
import { testService } from '@psa/test-kit/service';
import { ticketsService } from '@psa/tickets/app';
import { afterEach, describe, expect, it } from 'vitest';

let stop: (() => Promise<void>) | null = null;
afterEach(async () => {
  await stop?.();
  stop = null;
});

// A change of the API shows in review as a change of these files. `npm run golden` writes them.
describe('the API that a service promises', () => {
  it.each([authService, crmService, ticketsService, eventsService, searchService])(
    'of $name is its openapi.json',
    async (definition) => {
      const service = await testService(definition);
      stop = () => service.close();
      const answer = await service.call('GET', '/api/v1/openapi.json');
      expect(answer.status).toBe(200);
      const document = answer.body;
      const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object));
      expect(operations.length).toBeGreaterThan(0);
      // Names in clients are made from operation ids, so that each is there once; summaries make the docs page.
      const ids = operations.map((operation) => operation.operationId);
      expect(ids.filter((id, i) => !id || ids.indexOf(id) !== i)).toEqual([]);
      expect(operations.filter((operation) => !operation.summary)).toEqual([]);
      await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(
        `../../services/${definition.name}/openapi.json`,
      );
    },
  );
});
