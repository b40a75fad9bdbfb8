import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labControl } from '@psa/lab/control';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeLab, fakeLab, makeRelease } from './appliance/fake-lab.test-helper.ts';
import { issueEdge } from './deploy/certificate.ts';
import { COMMANDS } from './registry.ts';

let lab: FakeLab;
let work: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  lab = await fakeLab();
  work = await mkdtemp(join(tmpdir(), 'psa-examples-'));
  env = {
    ...process.env,
    HOME: work,
    PSA_LAB_DIR: lab.dir,
    PSA_INVENTORY: lab.inventory,
    PSA_DEMO_PASSWORD: 'Demo-Lab-2026!',
    PATH: `${join(import.meta.dirname, '../bin')}:${process.env.PATH}`,
  };
});
afterAll(async () => {
  await lab?.close();
  await rm(work, { recursive: true, force: true });
}, 300_000);

/** Runs a line in a shell, off a terminal. */
async function shell(line: string): Promise<string> {
  const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) => {
    execFile('bash', ['-c', line], { cwd: work, env, maxBuffer: 64e6 }, (error, stdout, stderr) =>
      error
        ? reject(new Error(`${line} ended with ${error.code}\n${stdout}\n${stderr}`))
        : resolve({ stdout }),
    );
  });
  return stdout;
}

/** Runs a line on a terminal (util-linux's `script` makes one) and answers what it asks. */
async function terminal(line: string, question: RegExp, answer: string): Promise<string> {
  const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: work, env });
  let said = '';
  let isAnswered = false;
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
    if (isAnswered || !question.test(said)) return;
    isAnswered = true;
    child.stdin.write(`${answer}\n`);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${line} ended with ${code}\n${said}`);
  expect(said).toMatch(question);
  return said;
}

const examplesOf = async (name: string) =>
  (await COMMANDS.find(({ path }) => path.join(' ') === name)!.load()).examples.map(({ run }) => run);

/** Runs every example of a command. */
async function runExamples(name: string): Promise<void> {
  for (const run of await examplesOf(name)) {
    const stdout = await shell(run);
    expect(stdout, run).not.toBe('');
    if (run.includes('--json')) expect(JSON.parse(stdout), run).toMatchObject({ psactl: 1, ok: true });
  }
}

/** Those that make the appliance and take it away: they have a test each, in their order. */
const ENDS = ['plan', 'apply', 'destroy', 'lab down'];
/** Those of the platform are run by commands.e2e.test.ts, those of templates by push.e2e.test.ts. */
const ofKind = (kind: 'files' | 'site' | 'lab') =>
  COMMANDS.filter(({ on, path }) => on === kind && path[0] !== 'template')
    .map(({ path }) => path.join(' '))
    .filter((name) => !ENDS.includes(name));

describe('the examples in the help, in a shell', { timeout: 1_800_000, retry: 0 }, () => {
  it('of what needs no cluster', async () => {
    // In a folder without an inventory.
    const { PSA_INVENTORY, ...bare } = env;
    env = bare;
    for (const name of ofKind('files')) await runExamples(name);
    env = { ...bare, PSA_INVENTORY };
  });

  it('of plan and apply: shown, asked for, done, and then there is nothing to do', async () => {
    await writeFile(join(work, 'config.xml'), '<?xml version="1.0"?>\n<pfsense></pfsense>\n');
    const [first, ...others] = await examplesOf('apply');
    expect(await shell(first!).catch((error: Error) => error.message)).toMatch(/Unable to ask/);
    expect(await terminal(first!, /steps\? \[y\/N\]/, 'y')).toMatch(/done {2}create:ct:300 /);
    for (const run of others) expect(await shell(run), run).toMatch(/Nothing to do/);
    for (const run of await examplesOf('plan')) {
      const stdout = await shell(run);
      if (run.includes('--json')) expect(JSON.parse(stdout)).toMatchObject({ ok: true, steps: [] });
      else expect(stdout).toMatch(/Nothing to do/);
      if (run.includes('--pfsense')) expect(stdout).toContain('missing');
    }
  });

  it('of what works on a site', async () => {
    const pem = await issueEdge(lab.site.folder, lab.site.inventory.domain, []);
    const key = pem.indexOf('-----BEGIN PRIVATE');
    await writeFile(join(work, 'psa.pem'), pem);
    await writeFile(join(work, 'chain.pem'), pem.slice(0, key));
    await writeFile(join(work, 'key.pem'), pem.slice(key));
    await cp(join(lab.dir, 'dist'), join(work, 'dist'), { recursive: true });
    // There is a release to go back from.
    await makeRelease(lab.site.path(lab.site.inventory.releases.directory), '0.2.0');
    await shell('psactl deploy tickets --release 0.2.0 --no-backup --site lab');
    for (const name of ofKind('site')) await runExamples(name);
  });

  it('of the lab', async () => {
    for (const name of ofKind('lab')) await runExamples(name);
  });

  it('sent the lab nothing that the schema of Proxmox VE does not know', async () => {
    const { conformance } = await labControl(lab.dir).status();
    // Without the schema, which is not ours to ship, nothing was compared.
    expect(conformance?.misfits ?? []).toEqual([]);
    if (conformance) expect(conformance.requests).toBeGreaterThan(100);
  });

  it('of destroy, which asks for the name, and of lab down', async () => {
    const [asks, told, dry] = await examplesOf('destroy');
    expect(await shell(dry!)).toContain('psa-postgres-1');
    expect(await terminal(asks!, /Type its name \(psa\)/, 'psa')).toMatch(/done {2}\S*ct:300 /);
    expect(await shell(told!)).toMatch(/Nothing|0 steps/);
    await runExamples('lab down');
    await expect(readFile(lab.inventory)).rejects.toThrow('ENOENT');
  });
});
