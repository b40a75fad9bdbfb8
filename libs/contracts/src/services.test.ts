import { expect, it } from 'vitest';
import { factsOf, PROGRAM_NAMES, SERVICE_PORT } from './services.ts';

const all = PROGRAM_NAMES.map((name) => ({ name, ...factsOf(name) }));
const twice = <T>(values: readonly T[]) => values.filter((value, i) => values.indexOf(value) !== i);

it('gives no two services the same path, port or decade, nor one that is taken already', () => {
  expect(twice(all.flatMap(({ prefixes }) => prefixes))).toEqual([]);
  expect(twice(all.flatMap(({ edgePort = [] }) => edgePort))).toEqual([]);
  expect(all.filter(({ edgePort }) => edgePort === SERVICE_PORT)).toEqual([]);
  expect(twice(all.map(({ decade }) => decade))).toEqual([]);
  // HAProxy's and the data parts'.
  for (const { name, decade } of all) expect([20, 30, 31, 32, 33], name).not.toContain(decade);
});

it('leaves the embedded server connections for migrations, backups and a look into it', () => {
  const connections = all.reduce((sum, one) => sum + one.connections, 0);
  expect(connections).toBeGreaterThan(0);
  expect(connections).toBeLessThanOrEqual(80);
});

it('names every public route under a path that is its service’s own, or between services', () => {
  for (const { name, prefixes, publicRoutes = [] } of all)
    for (const route of publicRoutes) {
      const path = route.split(' ')[1]!;
      const own = prefixes.some((prefix) => path.startsWith(`/api/v1/${prefix}/`));
      expect(own || path.startsWith('/internal/'), `${name}: ${route}`).toBe(true);
    }
});
