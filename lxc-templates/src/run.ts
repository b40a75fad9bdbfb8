import { spawn } from 'node:child_process';

/** What could not be done with a template: what, why, and how to fix it. */
export class TemplateError extends Error {
  override name = 'TemplateError';
  readonly why: string | undefined;
  readonly fix: string | undefined;

  constructor(what: string, options: { why?: string; fix?: string; cause?: unknown } = {}) {
    super(what, { cause: options.cause });
    this.why = options.why;
    this.fix = options.fix;
  }
}

/** How a program is run. */
interface RunOptions {
  /** Set besides what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  /** True: nothing of this process's environment gets in. */
  readonly cleanEnvironment?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const KEPT_LINES = 40;

/** Runs a program to its end. @returns its stdout @throws TemplateError with the last lines of its stderr */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { env = {}, cleanEnvironment = false, signal } = options;
  signal?.throwIfAborted();
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const [first, ...all] = [
    ...(settings.length > 0 || cleanEnvironment
      ? ['env', ...(cleanEnvironment ? ['-i'] : []), ...settings]
      : []),
    program,
    ...args,
  ];
  const child = spawn(first!, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  // SIGTERM, so that programs with helpers of their own can end those.
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const lines: string[] = [];
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split(/[\r\n]+/);
    rest = parts.pop()!;
    for (const line of parts) {
      if (lines.push(line) > KEPT_LINES) lines.shift();
    }
  });
  try {
    const code = await new Promise<number | string>((done, failed) => {
      child.on('error', failed);
      child.on('close', (number, name) => done(number ?? name ?? 'a signal'));
    });
    signal?.throwIfAborted();
    // What env and unshare end with when there is no such program.
    if (code === 127) throw missing(program, lines.at(-1));
    if (code !== 0) {
      if (rest !== '') lines.push(rest);
      throw new TemplateError(`Unable to run ${program}: it ended with ${code}.`, {
        why: lines.filter((line) => line.trim() !== '').join('\n       ') || 'it says nothing',
      });
    }
    return out;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw missing(program);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

const missing = (program: string, why?: string) =>
  new TemplateError(`Unable to run ${program}: it is not installed here, or what it runs is not.`, {
    ...(why !== undefined && { why }),
    fix: 'On Debian 12: apt-get install mmdebstrap zstd',
  });
