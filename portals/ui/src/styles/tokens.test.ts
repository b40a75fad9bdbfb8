import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
const tokens = new Map<string, { light: string; dark: string }>();
for (const [, name, light, dark] of css.matchAll(
  /--([\w-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g,
)) {
  tokens.set(name!, { light: light!, dark: dark! });
}

/** WCAG 2.2 relative luminance of #rrggbb. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ['canvas', 'surface', 'raised', 'hover', 'selected'];
const MEANINGS = ['ok', 'info', 'warn', 'danger', 'violet', 'neutral'];
const pairs: [front: string, back: string, least: number][] = [
  ...GROUNDS.flatMap((ground): [string, string, number][] => [
    ['text', ground, 7],
    ['text-muted', ground, 4.5],
    ['accent', ground, 4.5],
    ['focus', ground, 3],
  ]),
  ...['canvas', 'surface', 'raised'].flatMap((ground): [string, string, number][] => [
    ['line-strong', ground, 3],
    ['danger-text', ground, 4.5],
    ['warn-text', ground, 4.5],
    ...MEANINGS.map((m): [string, string, number] => [`${m}-mark`, ground, 3]),
  ]),
  ...[...MEANINGS, 'accent'].map((m): [string, string, number] => [`${m}-text`, `${m}-soft`, 4.5]),
  ['on-accent', 'accent-solid', 4.5],
  ['on-accent', 'accent-solid-hover', 4.5],
  ['on-danger', 'danger-solid', 4.5],
  ['surface', 'text', 4.5],
];

describe.each(['light', 'dark'] as const)('%s theme', (theme) => {
  it.each(pairs)('%s on %s has a contrast of at least %d', (front, back, least) => {
    const [a, b] = [tokens.get(front), tokens.get(back)];
    if (!a || !b) throw new Error(`tokens.css has no ${a ? back : front}`);
    expect(contrast(a[theme], b[theme])).toBeGreaterThanOrEqual(least);
  });
});
