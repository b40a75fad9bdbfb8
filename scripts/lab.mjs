// `npm run lab`: from a clone to the whole appliance on this machine, in real containers. Run it as root; run again, it
// does what is left. `npm run lab -- --down` takes everything away again.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BIN, environment, fail, installPackages, prepareMachine, ROOT } from './setup.mjs';

const HELP = `npm run lab                            the whole appliance on this machine, in real containers
npm run lab -- --down                  takes everything away
npm run lab -- --no-demo               without demo data
npm run lab -- --time-factor <number>  1: as slow as a real cluster; 0.1 when nothing is said`;
const options = optionsOf(process.argv.slice(2));
if (options.help) {
  console.log(HELP);
  process.exit(0);
}

function optionsOf(args) {
  try {
    return parseArgs({
      args,
      options: {
        down: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        'no-demo': { type: 'boolean', default: false },
        'time-factor': { type: 'string' },
      },
    }).values;
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exit(2);
  }
}

/** Password of every demo account; a lab is reached from this machine alone. */
const PASSWORD = process.env.PSA_DEMO_PASSWORD ?? 'Demo-Lab-2026!';
const TIMES = join(ROOT, 'dist', 'lab-times.json');

if (process.getuid?.() !== 0) {
  fail(
    'The lab runs real containers, which needs root. Run:\n\n  sudo npm run lab\n\nWithout containers: npm start',
  );
}

const times = [];
let failed = null;

/** Does one step and takes its time. */
function step(name, work) {
  console.log(`\n── ${name}`);
  const began = performance.now();
  try {
    work();
  } catch (error) {
    failed = { step: name, message: error.message };
  }
  times.push({
    step: name,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    ok: failed === null,
  });
  if (failed !== null) finish();
}

/** Runs a program to its end. @throws when it fails */
function must(program, args, env = {}) {
  const done = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', env: { ...environment(), ...env } });
  if (done.error) throw done.error;
  if (done.status !== 0)
    throw new Error(
      `${[program.split('/').at(-1), ...args].join(' ')} ended with ${done.status ?? done.signal}`,
    );
}
const psactl = (...args) => must(join(ROOT, 'cli/bin/psactl'), args);
const site = ['--site', 'lab'];

/** What psactl says, as data. */
function ask(...args) {
  const done = spawnSync(join(ROOT, 'cli/bin/psactl'), [...args, '--json'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: environment(),
  });
  if (done.status !== 0) throw new Error(done.stderr.trim());
  return JSON.parse(done.stdout);
}

function finish() {
  const total = Math.round(times.reduce((sum, one) => sum + one.seconds, 0) * 10) / 10;
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  writeFileSync(
    TIMES,
    `${JSON.stringify({ at: new Date().toISOString(), steps: times, total, failed }, null, 2)}\n`,
  );
  const width = Math.max(...times.map((one) => one.step.length));
  console.log('\nTime per step:');
  for (const one of times) {
    console.log(
      `  ${one.step.padEnd(width)}  ${one.seconds.toFixed(1).padStart(7)} s${one.ok ? '' : '  FAILED'}`,
    );
  }
  console.log(`  ${'total'.padEnd(width)}  ${total.toFixed(1).padStart(7)} s`);
  if (failed) {
    console.error(
      `\nThe lab is not complete: "${failed.step}" failed (${failed.message}).\nSee above; then run "npm run lab" again: it goes on where it stands.`,
    );
    process.exit(1);
  }
}

if (options.down) {
  step('Lab down', () => psactl('lab', 'down', '--yes'));
  process.exit(0);
}

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
step('Packages', () => {
  installPackages();
  prepareMachine('lab');
});
step('Templates', () => psactl('template', 'build'));
step('Release', () => must(join(BIN, 'node'), ['scripts/release.ts', '--version', version]));
step('Lab up', () =>
  psactl('lab', 'up', ...(options['time-factor'] ? ['--time-factor', options['time-factor']] : [])),
);
step('Apply', () => psactl('apply', ...site, '--yes'));
step('Healthy', () => psactl('status', ...site, '--wait', '300'));
if (!options['no-demo'])
  step('Demo data', () =>
    must(join(ROOT, 'cli/bin/psactl'), ['lab', 'demo', ...site], { PSA_DEMO_PASSWORD: PASSWORD }),
  );
finish();

const { portal, inventory } = ask('lab', 'status');
const login = options['no-demo']
  ? ''
  : `  Login       admin@demo.example, password ${PASSWORD}
  Others      technician@demo.example, customer@demo.example, other@demo.example, the same password
`;
console.log(`
The appliance runs.

  Portal      ${portal}/   (customers: ${portal}/portal/)
${login}  Inventory   ${inventory}
  Certificate of the lab's own authority; the browser will ask.

  sudo npx psactl status --site lab          one screen
  sudo npx psactl plan --site lab            what differs from the inventory (nothing)
  sudo npx psactl lab kill-node pve2         and see what happens
  sudo npm run lab -- --down                 takes everything away
`);
