import { expect, it } from 'vitest';
import { type Messages, setLanguage } from './i18n.ts';
import { uiMessages } from './ui-messages.ts';

const modules = import.meta.glob<Record<string, { namespace: string; de: Messages; en: Messages }>>(
  '../../../{app,technician,customer}/src/i18n/*messages.ts',
  { eager: true },
);
const sets = [uiMessages, ...Object.values(modules).flatMap((module) => Object.values(module))];

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
