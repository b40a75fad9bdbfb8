import { posix } from 'node:path';
import { type Guard, importsOf } from './repo-guards.ts';

/**
 * Who may import whom inside the lab: errors and state below, HA and guests above them, the API on top. A room is a
 * folder or a single file of `lab/src`. Rooms that are not named here put the others together, and may import all.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  ports: [],
  conformance: [],
  'process-group': [],
  tasks: ['errors', 'process-group'],
  cluster: ['errors', 'ports', 'tasks'],
  ha: ['errors', 'ports', 'tasks', 'cluster'],
  // All of the state and the ports in one type.
  lab: ['ports', 'conformance', 'tasks', 'cluster', 'ha'],
  guests: ['errors', 'ports', 'tasks', 'cluster', 'ha', 'lab'],
  api: ['errors', 'ports', 'process-group', 'conformance', 'tasks', 'cluster', 'ha', 'lab', 'guests'],
  // What the ports are made of on this machine: it knows nothing of the cluster that stands on it.
  network: ['errors', 'ports'],
  storage: ['errors', 'ports', 'process-group', 'network', 'runtime'],
  runtime: ['errors', 'ports', 'network', 'storage'],
  ssh: ['errors', 'ports', 'runtime'],
};

/** No room imports one that stands above it. Tests may: they put rooms together. */
export function roomsGuard(
  name: string,
  root: string,
  rooms: Readonly<Record<string, readonly string[]>>,
  planted: Guard['planted'],
): Guard {
  const roomOf = (path: string): string | null =>
    path.startsWith(`${root}/`) && path.endsWith('.ts')
      ? path.slice(root.length + 1, -'.ts'.length).split('/')[0]!
      : null;
  return {
    ...{ name, planted },
    check: (files) =>
      files
        .filter(({ path }) => roomOf(path) && !/\.(test|test-helper|contract)\.ts$/.test(path))
        .flatMap(({ path, text }) => {
          const room = roomOf(path)!;
          const allowed = rooms[room];
          if (!allowed) return [];
          return importsOf(text)
            .filter((one) => one.startsWith('.'))
            .map((one) => roomOf(posix.normalize(posix.join(posix.dirname(path), one))))
            .filter((target) => target !== null && target !== room && !allowed.includes(target))
            .map((target) => ({ path, message: `${root}/${room} may not import ${root}/${target}` }));
        }),
  };
}

export const labRooms = roomsGuard('rooms of the lab import only what stands below them', 'lab/src', ROOMS, [
  { path: 'lab/src/cluster/x.ts', text: ['import', "{ y } from '../api/y.ts';"].join(' ') },
]);
