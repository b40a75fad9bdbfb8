import { expect, it } from 'vitest';
import { chance, corpus, corpusQueries, mistyped } from './corpus.ts';

const options = {
  tenantId: '00000000-0000-7000-a000-000000000001',
  tickets: 300,
  customers: 10,
  vocabulary: 2_000,
};

it('gives the same documents for the same seed, others for another', () => {
  expect([...corpus(options)]).toEqual([...corpus(options)]);
  expect([...corpus({ ...options, seed: 2 })]).not.toEqual([...corpus(options)]);
});

it('gives every object an id and a number of its own', () => {
  const documents = [...corpus(options)];
  expect(documents).toHaveLength(310);
  expect(new Set(documents.map((doc) => doc.id)).size).toBe(310);
  expect(new Set(documents.flatMap((doc) => doc.keywords.slice(0, 1))).size).toBe(310);
});

it('has frequent words and a long tail of rare ones', () => {
  const counts = new Map<string, number>();
  for (const doc of corpus(options)) {
    for (const word of new Set(doc.body.toLowerCase().match(/\p{L}+/gu))) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  expect(counts.get('drucker')).toBeGreaterThan(30);
  expect([...counts.values()].filter((count) => count === 1).length).toBeGreaterThan(300);
});

it('mistypes a word so that it differs but begins the same', () => {
  const next = chance(7);
  for (let i = 0; i < 200; i++) {
    const typed = mistyped('netzwerk', next);
    expect(typed[0]).toBe('n');
    expect(Math.abs(typed.length - 8)).toBeLessThan(3);
  }
});

it('asks in all kinds', () => {
  const kinds = new Set<string>();
  for (const { kind } of corpusQueries(options)) {
    kinds.add(kind);
    if (kinds.size === 4) break;
  }
  expect(kinds).toContain('typo');
});
