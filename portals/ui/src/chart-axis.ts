/** Marks of an axis that begins at zero: round whole numbers, as few as say it, the last at least `highest`. */
export function axisTicks(highest: number, most = 4): number[] {
  const top = Number.isFinite(highest) ? Math.max(1, Math.ceil(highest)) : 1;
  const power = 10 ** Math.floor(Math.log10(top / most));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= 1 && top / one <= most) ?? 1;
  return Array.from({ length: Math.ceil(top / step) + 1 }, (_, i) => i * step);
}
