// `npm test`: everything that must hold, from formatting to the browser, stopping at the first failure.
// Arguments after `--` go to vitest: `npm test -- services/tickets`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BIN, environment, installPackages, NODE, prepareMachine, ROOT, run } from './setup.mjs';

installPackages();
prepareMachine('test');

/** What tests need or do not touch: side by side, since none of them alone keeps two processors busy. */
const CHECKS = [
  { title: 'Format and lint', program: join(BIN, 'biome'), args: ['check', '.'] },
  { title: 'Types', program: NODE, args: ['scripts/typecheck.ts'] },
  { title: 'Dead code', program: join(BIN, 'knip'), args: ['--no-progress', '--no-config-hints'] },
  {
    title: 'Portals',
    program: NODE,
    args: ['--input-type=module', '--eval', "await (await import('./scripts/portals.mjs')).buildPortals()"],
  },
];

/** Runs a check in a process group of its own; its output comes in one piece when it has ended. */
function check({ title, program, args }) {
  const began = performance.now();
  const child = spawn(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
    detached: true,
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      output.push(Buffer.from(`Unable to run ${program}: ${error.message}\n`));
      resolve(1);
    });
    child.once('close', (code) => resolve(code ?? 1));
  }).then((code) => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`\n── ${title} (${seconds} s)\n${Buffer.concat(output)}`.trimEnd());
    if (code !== 0) {
      console.error(`\n${title}: failed (${[program, ...args].join(' ')})`);
      process.exit(code);
    }
  });
  return { child, ended };
}

const running = CHECKS.map(check);
const end = () => {
  for (const { child } of running) {
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It has ended already, or never began.
    }
  }
};
process.on('exit', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));
await Promise.all(running.map(({ ended }) => ended));
process.off('exit', end);

const given = process.argv.slice(2);
// A filter may name files of one project only.
const extra = given.length > 0 ? ['--passWithNoTests', ...given] : [];
console.log('\n── Tests');
const args = ['run', '--project', 'unit', '--project', 'e2e*', ...extra];
const code = run('vitest', args);
if (code !== 0) {
  console.error(`\nTests: failed (vitest ${args.join(' ')})`);
  process.exit(code);
}
