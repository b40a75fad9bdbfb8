import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { makeFont } from './font.ts';

const read = (path: string) => readFileSync(new URL(`../portals/ui/${path}`, import.meta.url));

it('the font in the repository is what the script makes, and the style sheet names its characters', async () => {
  const css = read('src/styles/font.css').toString();
  const faces = [...css.matchAll(/url\("\.\.\/fonts\/(.+?)"\)[^}]*unicode-range:\s*([^;]+);/g)];
  const named = new Map(faces.map(([, file, range = '']) => [file, range.replace(/\s+/g, ' ')]));
  const made = await makeFont();
  expect(named.size).toBe(made.length);
  for (const { file, range, content } of made) {
    expect(read(`src/fonts/${file}`).equals(content), `${file}: run "node scripts/font.ts"`).toBe(true);
    expect(named.get(file)).toBe(range);
  }
  expect(read('public/inter-license.txt').toString()).toContain('SIL Open Font License, Version 1.1');
});

it('German, and what names of Europe are written with, come from it', async () => {
  const ranges = (await makeFont()).map(({ file, range }) => ({ file, pairs: range.split(', ') }));
  const fileOf = (char: string) => {
    const point = char.codePointAt(0) ?? 0;
    return ranges.find(({ pairs }) =>
      pairs.some((pair) => {
        const [from = 0, to = from] = pair
          .slice(2)
          .split('-')
          .map((hex) => Number.parseInt(hex, 16));
        return from <= point && point <= to;
      }),
    )?.file;
  };
  expect(new Set([...'Übergröße „Straße“ – 1.234,56 € #42 ·'].map(fileOf))).toEqual(
    new Set(['inter-first.woff2']),
  );
  for (const name of [
    'Yılmaz',
    'Şahin',
    'Łukasz Wójcik',
    'Dvořák',
    'Ångström',
    'Õunapuu',
    'Ion Țepeș',
    'Œuvre',
    'ẞ',
  ])
    expect([...name].map(fileOf), name).not.toContain(undefined);
});
