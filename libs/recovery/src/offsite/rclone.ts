import { spawn } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ArtefactError } from '../artefact.ts';
import { countingStream, type Sum } from '../sealed.ts';

/** A remote that cannot be used, or does not do what was asked of it. */
export class RemoteError extends ArtefactError {
  readonly fix: string | null;
  constructor(message: string, fix: string | null = null) {
    super(message);
    this.fix = fix;
  }
}

/** An object as a remote lists it. */
export interface RemoteObject {
  readonly name: string;
  readonly bytes: number;
  /** ISO 8601. */
  readonly changed_at: string;
}

/** rclone's exit status for a folder, and for a file, that is not there. */
const NOT_THERE = [3, 4];

/**
 * A folder of an rclone remote: a path, sftp, WebDAV or S3 alike. Every call is one rclone, which ends with it.
 * @see https://rclone.org/docs/#exit-code
 */
export class Rclone {
  readonly #remote: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal | undefined;

  /**
   * @param remote `offsite:psa`, as rclone's configuration names it
   * @param env where that configuration is looked for (RCLONE_CONFIG, HOME)
   */
  constructor(
    remote: string,
    options: { env: Readonly<Record<string, string | undefined>>; signal?: AbortSignal },
  ) {
    this.#remote = remote;
    // rclone takes these for the whole of what it may trust, and then trusts nothing else.
    const { AWS_CA_BUNDLE: _, ...env } = options.env;
    this.#env = env;
    this.#signal = options.signal;
  }

  /** As it is named to people. */
  toString(): string {
    return this.#remote;
  }

  #at(name: string): string {
    return /[:/]$/.test(this.#remote) ? `${this.#remote}${name}` : `${this.#remote}/${name}`;
  }

  /** All objects of the folder; of one that is not there, none. */
  async list(): Promise<readonly RemoteObject[]> {
    const text = await this.#read(['lsjson', '--files-only', '--no-mimetype', this.#remote], '[]');
    return (JSON.parse(text) as { Name: string; Size: number; ModTime: string }[]).map((one) => ({
      ...{ name: one.Name, bytes: one.Size, changed_at: new Date(one.ModTime).toISOString() },
    }));
  }

  /** All that objects hold whose names end so, one after the other. */
  contents(suffix: string): Promise<string> {
    return this.#read(['cat', '--include', `/*${suffix}`, this.#remote], '');
  }

  /**
   * Writes an object from a stream. Whoever fails in `fill` leaves an object that is cut off, or none: which, differs
   * between remotes, so nobody believes in one without reading it back.
   */
  async put(name: string, fill: (into: Writable) => Promise<void>): Promise<void> {
    const run = this.#run(['rcat', this.#at(name)]);
    const filling = fill(run.stdin).then(
      () => void run.stdin.end(),
      (error: Error) => {
        run.stop();
        throw error;
      },
    );
    const [filled, ended] = await Promise.allSettled([filling, run.ended]);
    // What rclone says is the cause of a pipe that broke.
    if (ended.status === 'rejected' && (filled.status === 'fulfilled' || isBroken(filled.reason)))
      throw ended.reason;
    if (filled.status === 'rejected') throw filled.reason;
  }

  /** Streams an object. @throws RemoteError when it is not there */
  async read(name: string, take: (content: Readable) => Promise<void>): Promise<Sum> {
    const run = this.#run(['cat', this.#at(name)]);
    run.stdin.end();
    const counted = countingStream();
    const content = new PassThrough();
    const feeding = pipeline(run.stdout, counted.stream, content);
    const taking = take(content).catch((error: Error) => {
      run.stop();
      content.destroy(error);
      throw error;
    });
    const [fed, taken, ended] = await Promise.allSettled([feeding, taking, run.ended]);
    if (taken.status === 'rejected' && !isBroken(taken.reason)) throw taken.reason;
    if (ended.status === 'rejected') throw ended.reason;
    for (const one of [taken, fed]) if (one.status === 'rejected') throw one.reason;
    return counted.sum();
  }

  /** Reads an object to its last byte. */
  sum(name: string): Promise<Sum> {
    return this.read(name, async (content) => {
      for await (const _ of content);
    });
  }

  /** Removes an object. What the remote does not allow is an error. */
  async remove(name: string): Promise<void> {
    const run = this.#run(['deletefile', this.#at(name)]);
    run.stdin.end();
    await run.ended;
  }

  async #read(args: readonly string[], whenMissing: string): Promise<string> {
    const run = this.#run(args);
    run.stdin.end();
    const chunks: Buffer[] = [];
    run.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    try {
      await run.ended;
    } catch (error) {
      if (run.status() !== null && NOT_THERE.includes(run.status()!)) return whenMissing;
      throw error;
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  #run(args: readonly string[]) {
    // Cut lines are given up after a minute; the whole is repeated by whoever asked, who begins a new object.
    const child = spawn('rclone', ['--contimeout=20s', '--timeout=60s', '--retries=1', ...args], {
      ...{
        env: this.#env,
        stdio: ['pipe', 'pipe', 'pipe'],
        signal: this.#signal,
        killSignal: 'SIGKILL' as const,
      },
    });
    let said = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4_000);
    });
    child.stdin!.on('error', () => {});
    const ended = new Promise<void>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          error.code === 'ENOENT'
            ? new RemoteError(
                'Unable to reach anything outside: rclone is not installed.',
                'apt install rclone',
              )
            : error,
        ),
      );
      child.once('close', (code, killedBy) => {
        if (code === 0) resolve();
        else reject(new RemoteError(this.#explain(args[0]!, said, code ?? killedBy), this.#mend(said)));
      });
    });
    ended.catch(() => {});
    return {
      ...{ stdin: child.stdin!, stdout: child.stdout!, ended },
      status: () => child.exitCode,
      stop: () => void child.kill('SIGKILL'),
    };
  }

  #explain(verb: string, said: string, how: number | string | null): string {
    // S3 says in further lines, set in, by what number it would be found in its own logs.
    const last = (
      said
        .trim()
        .split('\n')
        .filter((line) => !/^\s/.test(line))
        .at(-1) ?? ''
    ).replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (\w+\s*: )?/, '');
    return `Unable to ${verb === 'rcat' ? 'write to' : verb === 'deletefile' ? 'remove from' : 'read from'} ${this.#remote}: ${last || `rclone ended with ${how}`}.`;
  }

  #mend(said: string): string | null {
    return /didn't find section in config file/.test(said)
      ? 'Add the remote with "rclone config", for the user who runs psactl; RCLONE_CONFIG names another file.'
      : null;
  }
}

const isBroken = (error: unknown): boolean =>
  ['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ABORT_ERR'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
