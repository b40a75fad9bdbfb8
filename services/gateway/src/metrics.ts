/**
 * One text of Prometheus' exposition format out of several: each family's HELP and TYPE may stand only once,
 * with all its samples after them.
 */
export function mergeExpositions(texts: readonly string[]): string {
  const families = new Map<string, { head: string[]; samples: string[] }>();
  for (const text of texts) {
    let current: { head: string[]; samples: string[] } | undefined;
    let isNew = false;
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const name = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1];
      if (name === undefined) {
        current?.samples.push(line);
        continue;
      }
      if (line.startsWith('# HELP')) {
        isNew = !families.has(name);
        if (isNew) families.set(name, { head: [], samples: [] });
        current = families.get(name);
      }
      if (isNew) current?.head.push(line);
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]);
  return `${lines.join('\n')}\n`;
}
