import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type FakeLab, fakeLab } from './fake-lab.test-helper.ts';
import { COMMANDS } from './registry.ts';

/** Runs the examples of the help as people would, on a lab of containers that are made up. */
export class ExampleRunner {
  readonly lab: FakeLab;
  /** Where they are run. */
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(lab: FakeLab, folder: string) {
    this.lab = lab;
    this.folder = folder;
    this.#env = {
      ...process.env,
      HOME: folder,
      PSA_LAB_DIR: lab.dir,
      PSA_DEMO_PASSWORD: 'Demo-Lab-2026!',
      PATH: `${join(import.meta.dirname, '../bin')}:${process.env.PATH}`,
    };
  }

  static async open(options: Parameters<typeof fakeLab>[0] = {}): Promise<ExampleRunner> {
    return new ExampleRunner(await fakeLab(options), await mkdtemp(join(tmpdir(), 'psa-examples-')));
  }

  async close(): Promise<void> {
    await this.lab.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Runs a line in a shell, off a terminal. `bare`: in a folder without an inventory. */
  shell(line: string, bare = false): Promise<string> {
    const env = bare ? this.#env : { ...this.#env, PSA_INVENTORY: this.lab.inventory };
    return new Promise((resolve, reject) => {
      const options = { cwd: this.folder, env, maxBuffer: 64e6 };
      execFile('bash', ['-c', line], options, (error, stdout, stderr) =>
        error ? reject(new Error(`${line} ended with ${error.code}\n${stdout}\n${stderr}`)) : resolve(stdout),
      );
    });
  }

  /** Runs a line on a terminal (util-linux's `script` makes one) and answers what it asks. */
  async terminal(line: string, question: RegExp, answer: string): Promise<string> {
    const env = { ...this.#env, PSA_INVENTORY: this.lab.inventory };
    const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: this.folder, env });
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

  /** Runs every example of a command; of those that work on a site or on files alike, `kind` says which. */
  async run(name: string, bare = false, kind: 'all' | 'site' | 'files' = 'all'): Promise<void> {
    for (const run of await examplesOf(name)) {
      if (kind !== 'all' && run.includes(' --site ') !== (kind === 'site')) continue;
      const stdout = await this.shell(run, bare);
      expect(stdout, run).not.toBe('');
      if (run.includes('--json')) expect(JSON.parse(stdout), run).toMatchObject({ psactl: 1, ok: true });
    }
  }
}

/** The lines of a command's examples. */
export const examplesOf = async (name: string): Promise<readonly string[]> =>
  (await COMMANDS.find(({ path }) => path.join(' ') === name)!.load()).examples.map(({ run }) => run);

/** Those that make the appliance and take it away, or need a platform's data: they have tests of their own, in their order. */
const ENDS = ['plan', 'apply', 'destroy', 'lab down'];
const OF_BACKUPS = ['backup', 'offsite', 'restore', 'drill', 'dr'];

/** Commands by what they work on. Those of the platform are run by commands.e2e.test.ts, those of templates by push.e2e.test.ts. */
export const ofKind = (kind: 'files' | 'site' | 'lab'): readonly string[] =>
  COMMANDS.filter(({ on, path }) => on === kind && !['template', ...OF_BACKUPS].includes(path[0]!))
    .map(({ path }) => path.join(' '))
    .filter((name) => !ENDS.includes(name));
