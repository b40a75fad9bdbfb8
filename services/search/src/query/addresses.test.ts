import { randomUUID } from 'node:crypto';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { searchService } from '../app.ts';
import { indexEvents } from '../objects/consumer.ts';
import { contactFacts, customerFacts, searchEvent } from '../search.test-helper.ts';

let service: TestService;
const tid = randomUUID();
beforeAll(async () => {
  service = await testService(searchService);
  const [mill, bakery] = [randomUUID(), randomUUID()];
  await indexEvents(service.deps, [
    searchEvent(
      tid,
      'customer.created.v1',
      mill,
      customerFacts(mill, 'Mühle', { email: 'info@müller.example', website: 'https://www.müller.example' }),
    ),
    searchEvent(tid, 'customer.created.v1', bakery, customerFacts(bakery, 'Bäcker')),
    searchEvent(
      tid,
      'contact.created.v1',
      bakery,
      contactFacts(bakery, 'Jürgen', { email: 'juergen@bäcker.example' }),
    ),
  ]);
});
afterAll(() => service.close());

// Stored are letters; what a mail program or a browser shows may be Punycode.
it.each([
  ['info@müller.example', 'Mühle'],
  ['info@xn--mller-kva.example', 'Mühle'],
  ['INFO@XN--MLLER-KVA.EXAMPLE', 'Mühle'],
  ['www.müller.example', 'Mühle'],
  ['https://www.xn--mller-kva.example/', 'Mühle'],
  ['juergen@xn--bcker-gra.example', 'Jürgen'],
])('finds %s', async (q, title) => {
  const { body } = await service.call('GET', `/api/v1/search?q=${encodeURIComponent(q)}`, { as: { tid } });
  expect(body.data.map((hit: { title: string }) => hit.title)).toEqual([title]);
});
