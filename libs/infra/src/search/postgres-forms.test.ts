import { corpus } from '@psa/test-kit/corpus';
import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENDS, STARTS } from './german-words.ts';
import { glance, PostgresForms } from './postgres-forms.ts';
import { PostgresStems } from './postgres-stems.ts';
import { tokens } from './words.ts';

let db: TestDatabase;
let sql: postgres.Sql;

beforeAll(async () => {
  db = await testDatabase();
  sql = postgres(db.urlFor('search'), { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await sql?.end();
  await db?.drop();
});

/** Where English and German stems are odd. */
const ODD = `dying lying tying dies lies skis skies sky idly gently ugly early only singly news howe atlas cosmos bias
  andes inning innings outing canning herring earring proceed exceed succeed dry dries cried cries ties used owed
  Mueller ueber Ueberweisung Oefen aerger Größe Straße Bücher ÖFFNUNG naïve Ærø quelle aktuelle yes yellow say boys
  hopping hoping eyed a I x1 07-4711 KB5034441 ǅ İstanbul`;

it('passes every word over a glance that has a lexeme asked for', async () => {
  const documents = [...corpus({ tenantId: crypto.randomUUID(), tickets: 1_500, customers: 0 })];
  const stems = new PostgresStems();
  const forms = new PostgresForms(stems);
  const texts = [...documents.flatMap((one) => [one.title, one.body, one.internal]), ODD, STARTS, ENDS];
  const words = new Set(texts.flatMap((text) => [...tokens(text)].map((token) => token.text)));
  const unknown = new Set<string>();
  for (const word of words) forms.of(word, unknown);
  await stems.lookUp(sql, unknown);
  const missing = new Set<string>();
  for (const word of words) {
    for (const lexeme of forms.of(word, missing)) {
      if (!glance([lexeme])(word)) expect.fail(`${word} has ${lexeme}`);
    }
  }
  expect([words.size > 15_000, missing.size]).toEqual([true, 0]);
  expect([...words].filter(glance(['drucker', 'druck'])).length).toBeLessThan(words.size / 5);
});
