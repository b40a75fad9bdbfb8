import { expect, it } from 'vitest';
import { type Messages, setLanguage } from './i18n.ts';
import { uiMessages } from './ui-messages.ts';

const modules = import.meta.glob<Record<string, { namespace: string; de: Messages; en: Messages }>>(
  '../../../{app,technician,customer}/src/i18n/*messages.ts',
  { eager: true },
);
const sets = [uiMessages, ...Object.values(modules).flatMap((module) => Object.values(module))];

/** Where a person takes a ticket, and where one takes over another's state of it. */
const TAKING = new Set(['technician.tickets/ticket.take', 'technician.tickets/conflict.reload']);

const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort();

it('finds the texts of the library and of both portals', () => {
  const names = sets.map((set) => set.namespace);
  expect(names).toEqual(expect.arrayContaining(['customer', 'technician', 'ui']));
  expect(new Set(names).size).toBe(names.length);
});

it.each(sets.map((set) => [set.namespace, set] as const))(
  '%s: German and English have the same keys',
  (_, set) => {
    expect(Object.keys(set.en).sort()).toEqual(Object.keys(set.de).sort());
  },
);

it.each(sets.map((set) => [set.namespace, set] as const))(
  '%s: both languages fill the same values',
  (_, set) => {
    const { de, en } = set as { de: Messages; en: Messages };
    for (const key of Object.keys(de)) {
      expect([key, placeholders(en[key] ?? '')]).toEqual([key, placeholders(de[key] ?? '')]);
    }
  },
);

it.each(sets.map((set) => [set.namespace, set] as const))(
  '%s: no text is empty and plurals are whole',
  (_, set) => {
    const { de, en } = set as { de: Messages; en: Messages };
    for (const texts of [de, en]) {
      for (const [key, text] of Object.entries(texts)) {
        expect([key, text.trim()]).not.toEqual([key, '']);
        if (key.endsWith('_one')) expect(texts).toHaveProperty([key.replace(/_one$/, '_other')]);
        if (key.endsWith('_other')) expect(texts).toHaveProperty([key.replace(/_other$/, '_one')]);
      }
    }
  },
);

it('does not compile an unknown key or a forgotten value, and shows the gap where types were evaded', async () => {
  await setLanguage('de');
  // @ts-expect-error there is no such text
  expect(uiMessages.t('login.nonsense')).toBe('login.nonsense');
  // @ts-expect-error the name is missing
  expect(uiMessages.t('action.remove')).toBe('{{name}} entfernen');
  // @ts-expect-error the value has another name
  expect(uiMessages.t('action.remove', { nmae: 'x' })).toBe('{{name}} entfernen');
  // @ts-expect-error a plural needs its count
  expect(uiMessages.t('palette.results')).toBe('palette.results');
});

const every = sets.flatMap(({ namespace, de, en }) =>
  [de, en].flatMap((texts) =>
    Object.entries(texts as Messages).map(([key, text]) => ({ at: `${namespace}/${key}`, text })),
  ),
);

/** What readers stumbled over, and what says it instead. */
const BETTER: readonly (readonly [stumbled: RegExp, instead: string])[] = [
  [/hat kein Kunde\b/, 'Zu dieser Nummer gibt es keinen Kunden'],
  [/Höchstens offene/, 'Max. offene Tickets'],
  [/Wie das System|Like the system/, 'Systemeinstellung, System setting'],
  [/Es kümmert sich/, 'Bearbeitet von'],
  [/Geschäftszeit darüber|of business time over/, 'überfällig, overdue'],
  [/lets us go on|It (can go|goes) on|^Goes on/, 'continue'],
  [/(Keine|gefährdete[rn]?|verletzte[rn]?|Die) SLA\b(?!-)/, 'das SLA: Kein SLA, gefährdetes SLA'],
  [/Ansprechperson|^Kontakte?$/, 'Ansprechpartner'],
  [/has not the right|stands here|lies (too|in)|not any more|as things are|anew\b/, 'correct English'],
];

it('says nothing that readers stumbled over', () => {
  const found = every.flatMap(({ at, text }) =>
    BETTER.flatMap(([stumbled, instead]) => (stumbled.test(text) ? [`${at}: ${text} → ${instead}`] : [])),
  );
  expect(found).toEqual([]);
});

it('“Übernehmen” means one thing: taking a ticket', () => {
  const taking = every.filter(({ text }) => /\bübernehmen\b|^Übernommen$/i.test(text)).map(({ at }) => at);
  expect(taking.filter((at) => !TAKING.has(at))).toEqual([]);
});

it('no form lets the browser judge its fields: it would do so in a language of its own', () => {
  const sources = import.meta.glob<string>('../../../*/src/**/*.tsx', {
    eager: true,
    query: '?raw',
    import: 'default',
  });
  const forms = Object.entries(sources).flatMap(([file, text]) =>
    [...text.matchAll(/<form\b(?:=>|[^>])*>/g)].map(([form]) => ({ file, form })),
  );
  expect(forms.length).toBeGreaterThan(10);
  expect(forms.filter(({ form }) => !/\bnoValidate\b/.test(form))).toEqual([]);
});
