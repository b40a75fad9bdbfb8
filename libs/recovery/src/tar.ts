import { spawn } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Its words are read, so they must be English. */
const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' };

/** tar could not do its work; says its last words. */
export class TarError extends Error {
  override readonly name = 'TarError';
}

/** GNU tar: a file changed or went while it was read. The database's log mends that; of other files there is none. */
const CHANGED = 1;

/**
 * Packs paths into a stream, which goes on after it: several archives one after the other are read as one with
 * `--ignore-zeros`.
 * @param options `mayChange`: files that grow, shrink or go meanwhile are no error
 * @returns how many entries and bytes
 */
export async function pack(
  args: readonly string[],
  into: Writable,
  options: { readonly mayChange: boolean },
): Promise<{ readonly entries: number; readonly bytes: number }> {
  const child = spawn(
    'tar',
    ['--create', '--format=pax', '--numeric-owner', '--verbose', '--file=-', ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: ENV,
    },
  );
  // With the archive on its output, tar lists what it packs among its errors.
  let entries = 0;
  let said = '';
  let rest = '';
  child.stderr.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines)
      if (line.startsWith('tar: ')) said ||= line;
      else entries++;
  });
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const ended = exitOf(child);
  await pipeline(child.stdout, into, { end: false });
  const code = await ended;
  if (code === 0 || (code === CHANGED && options.mayChange)) return { entries, bytes };
  throw new TarError(`Unable to pack: ${said || `tar ended with ${code}`}`);
}

/** Unpacks a stream into a folder, and reads it to its end. */
export async function unpack(from: Readable, folder: string): Promise<void> {
  await feed(
    from,
    ['--extract', '--preserve-permissions', '--numeric-owner', '--directory', folder],
    () => {},
  );
}

/** Names of the entries of a stream, and the content of one of them (null: it is not there). */
export async function look(
  from: Readable,
  wanted: string,
): Promise<{ readonly names: readonly string[]; readonly content: string | null }> {
  const names: string[] = [];
  const content: Buffer[] = [];
  const [one, other] = [new PassThrough(), new PassThrough()];
  let rest = '';
  await Promise.all([
    feed(one, ['--list'], (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      names.push(...lines);
    }),
    feed(other, ['--extract', '--to-stdout', wanted], (chunk) => void content.push(chunk)).catch(
      (error: TarError) => {
        if (!/Not found in archive/.test(error.message)) throw error;
      },
    ),
    (async () => {
      for await (const chunk of from)
        for (const end of [one, other]) if (!end.destroyed && !end.write(chunk)) await drained(end);
      one.end();
      other.end();
    })().catch((error: Error) => {
      // Both wait for what will never come.
      for (const end of [one, other]) end.destroy(error);
      throw error;
    }),
  ]);
  return { names, content: content.length > 0 ? Buffer.concat(content).toString('utf8') : null };
}

/** A stream takes more, or takes no more at all. */
function drained(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

async function feed(from: Readable, args: readonly string[], take: (chunk: Buffer) => void): Promise<void> {
  const child = spawn('tar', [...args.slice(0, 1), '--ignore-zeros', '--file=-', ...args.slice(1)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: ENV,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2_000);
  });
  child.stdout.on('data', take);
  const ended = exitOf(child);
  // One that fails stops reading; what it says tells more than the broken pipe.
  const fed = pipeline(from, child.stdin).catch((error: NodeJS.ErrnoException) => error);
  const [code, broken] = await Promise.all([ended, fed]);
  if (code !== 0)
    throw new TarError(`Unable to unpack: ${said.trim().split('\n')[0] || `tar ended with ${code}`}`);
  if (broken) throw broken;
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new TarError(`Unable to run tar: ${error.message}`, { cause: error })),
    );
    child.once('close', resolve);
  });
}
