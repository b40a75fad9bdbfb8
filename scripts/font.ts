import { readFileSync, writeFileSync } from 'node:fs';
import subsetFont from 'subset-font';

/**
 * `node scripts/font.ts` makes the portals' font anew: of Inter what German and the languages around it are written
 * with, in three files. The first is there from the start (16 kB of 48); the browser fetches the others when a name
 * needs them (`portals/ui/src/styles/font.css`).
 */
const FONTS = new URL('../portals/ui/src/fonts/', import.meta.url);
const LICENCE = new URL('../portals/ui/public/inter-license.txt', import.meta.url);
const SOURCE = new URL('../node_modules/@fontsource-variable/inter/', import.meta.url);

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const pointsOf = (text: string): number[] => [...text].map((char) => char.codePointAt(0) as number);

/** ASCII, German, the signs that texts of the portals are set with, and the letters of the most frequent names. */
const FIRST = [...range(0x20, 0x7e), ...pointsOf('\u00a0ÄÖÜßäöüéèı§°²³·»«×„“”‚‘’–—…•‹›€−\u2009\u202f')];
const LATIN_1 = [...range(0xa1, 0xff), ...pointsOf('Œœ†™ˆ˜')].filter((point) => !FIRST.includes(point));
const EXTENDED = [...range(0x100, 0x17f), ...pointsOf('ȘșȚțẞ')].filter(
  (point) => !FIRST.includes(point) && !LATIN_1.includes(point),
);

/** Each file of the font: which of the package's it is cut from, and for which characters. */
const PARTS = [
  { file: 'inter-first.woff2', source: 'latin', points: FIRST },
  { file: 'inter-latin.woff2', source: 'latin', points: LATIN_1 },
  { file: 'inter-extended.woff2', source: 'latin-ext', points: EXTENDED },
] as const;

/** Characters as CSS writes them: `U+20-7E, U+A0`. */
function unicodeRange(points: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const point of points.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last[1] === point - 1) last[1] = point;
    else runs.push([point, point]);
  }
  const hex = (point: number) => point.toString(16).toUpperCase();
  return runs.map(([from, to]) => (from === to ? `U+${hex(from)}` : `U+${hex(from)}-${hex(to)}`)).join(', ');
}

/** The files of the font and the ranges that the style sheet must name for them. */
export function makeFont(): Promise<{ file: string; range: string; content: Buffer }[]> {
  return Promise.all(
    PARTS.map(async ({ file, source, points }) => ({
      file,
      range: unicodeRange(points),
      content: await subsetFont(
        readFileSync(new URL(`files/inter-${source}-wght-normal.woff2`, SOURCE)),
        String.fromCodePoint(...points),
        {
          targetFormat: 'woff2',
          // The portals use 400, 500 and 600.
          variationAxes: { wght: { min: 400, max: 600 } },
          // Kerning, figures of one width, marks on letters; no stylistic sets.
          keepFeatures: ['kern', 'tnum', 'ccmp', 'locl', 'mark', 'mkmk'],
        },
      ),
    })),
  );
}

if (import.meta.main) {
  for (const { file, range, content } of await makeFont()) {
    writeFileSync(new URL(file, FONTS), content);
    console.log(`${file}: ${content.length} B, unicode-range: ${range};`);
  }
  // Whoever passes the font on passes on its licence.
  writeFileSync(LICENCE, readFileSync(new URL('LICENSE', SOURCE)));
}
