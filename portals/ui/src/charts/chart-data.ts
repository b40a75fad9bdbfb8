export type ChartTone = 'accent' | 'ok' | 'info' | 'warn' | 'danger' | 'violet' | 'neutral';

/** One value of a chart. */
export interface Datum {
  label: string;
  value: number;
  tone?: ChartTone;
  /** Where its bar leads, with `link` of the chart. */
  to?: string;
}

/** Tones for data that name none; neighbours differ in lightness too, not in hue alone. */
const ROTATION: readonly ChartTone[] = ['accent', 'violet', 'warn', 'info', 'ok', 'neutral'];
export const toneOf = (datum: Datum, index: number): ChartTone =>
  datum.tone ?? ROTATION[index % ROTATION.length]!;

/** Sum of what can be drawn: negative and non-finite values count as nothing. */
export function total(data: readonly Datum[]): number {
  return data.reduce((sum, { value }) => sum + drawable(value), 0);
}

export function drawable(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}

/** Consecutive shares of a whole: `from` and `share` between 0 and 1, in the order given. */
export function shares(data: readonly Datum[]): { datum: Datum; from: number; share: number }[] {
  const sum = total(data);
  let from = 0;
  return data.map((datum) => {
    const share = sum === 0 ? 0 : drawable(datum.value) / sum;
    const slice = { datum, from, share };
    from += share;
    return slice;
  });
}

/** SVG path of a line through `values` in a box; a flat line stands in the middle. */
export function linePath(values: readonly number[], width: number, height: number): string {
  if (values.length === 0) return '';
  const low = Math.min(...values);
  const high = Math.max(...values);
  const x = (index: number) => (values.length === 1 ? width / 2 : (index / (values.length - 1)) * width);
  const y = (value: number) => (high === low ? height / 2 : height - ((value - low) / (high - low)) * height);
  return values.map((value, i) => `${i === 0 ? 'M' : 'L'}${round(x(i))} ${round(y(value))}`).join('');
}

const round = (value: number) => Math.round(value * 100) / 100;
