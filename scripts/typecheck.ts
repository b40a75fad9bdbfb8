import { spawnSync } from 'node:child_process';

/** Services, libraries and tools run on Node, the portals in a browser: two sets of types. */
const PROJECTS = ['tsconfig.json', 'tsconfig.portals.json'];

const results = PROJECTS.map((project) =>
  spawnSync('tsc', ['--noEmit', '-p', project], { stdio: 'inherit' }),
);
process.exitCode = results.every((result) => result.status === 0) ? 0 : 1;
