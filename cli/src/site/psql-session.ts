import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { shellQuote } from '@psa/proxmox/ssh';
import { field, type Row } from '@psa/recovery/rows/copy-text';
import type { Session } from '@psa/recovery/rows/session';
import { CliError } from '../errors.ts';
import { lastWords } from '../text.ts';
import type { Cluster } from './cluster.ts';
import { asPostgres } from './psql.ts';

/** As long as a large table takes. */
const SESSION_MS = 24 * 3_600_000;
/** A server that has a place for one more says its first word sooner than this. */
const FIRST_WORD_MS = 60_000;

/**
 * One psql in a member of PostgreSQL, asked one thing after the other: what it says before `mark` is the answer.
 * @param firstWordMs how long it may take until it answers at all @throws CliError when it does not
 */
export async function withPsqlSession<T>(
  cluster: Cluster,
  member: number,
  database: string,
  work: (session: Session) => Promise<T>,
  firstWordMs = FIRST_WORD_MS,
): Promise<T> {
  const silent = new AbortController();
  const stdin = new PassThrough();
  const mark = `psa_end_${randomBytes(12).toString('hex')}`;
  const answers = new Answers(mark);
  const line = asPostgres(`psql -X -q -A -t -v ON_ERROR_STOP=1 -d ${shellQuote(database)}`);
  const signal = AbortSignal.any([cluster.signal, silent.signal]);
  const options = { stdin, stdout: answers, timeoutMs: SESSION_MS, signal };
  const running = cluster.exec(member, ['sh', '-c', line], options).then(
    ({ code, stderr }) => {
      const why = lastWords(stderr) || `psql ended with ${code}.`;
      answers.fail(new CliError(`Unable to work in PostgreSQL in ${cluster.nameOf(member)}.`, { why }));
    },
    (error: Error) => answers.fail(error),
  );
  const write = async (chunk: Uint8Array | string) => {
    answers.check();
    if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain'), running]);
  };
  const ask = async (text: string) => {
    const answer = answers.next();
    await write(`${text}\ncopy (select '${mark}') to stdout;\n`);
    return answer;
  };
  const patience = setTimeout(() => {
    answers.fail(
      new CliError(`Unable to work in PostgreSQL in ${cluster.nameOf(member)}: it does not answer.`, {
        why: `psql was started and said nothing for ${Math.round(firstWordMs / 1000)} s.`,
        fix: 'See "psactl status", and whether its server takes connections. The database of a made-up lab is made up, too.',
      }),
    );
    silent.abort();
  }, firstWordMs);
  try {
    await ask('').finally(() => clearTimeout(patience));
    return await work({
      async exec(sql) {
        await ask(`${sql};`);
      },
      rows: (query) => ask(`copy (${query}) to stdout;`).then((lines) => lines.map(fieldsOf)),
      async load(table, columns, chunks) {
        await write(`copy ${table} (${columns.join(', ')}) from stdin;\n`);
        for await (const chunk of chunks) await write(chunk);
        await ask('\\.');
      },
    });
  } finally {
    // Without its end a transaction that stands open is undone.
    stdin.end();
    await running;
  }
}

const fieldsOf = (line: string): Row => line.split('\t').map(field);

/** Takes what psql says, and gives each question its answer. */
class Answers extends Writable {
  readonly #mark: string;
  #held = '';
  #lines: string[] = [];
  #error: Error | null = null;
  #waiting: { resolve(lines: readonly string[]): void; reject(error: Error): void } | null = null;

  constructor(mark: string) {
    super({ decodeStrings: true });
    this.#mark = mark;
    this.#decoder = new TextDecoder();
  }
  readonly #decoder: TextDecoder;

  next(): Promise<readonly string[]> {
    const answer = new Promise<readonly string[]>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#error) reject(this.#error);
    });
    answer.catch(() => {});
    return answer;
  }

  /** @throws what has ended it */
  check(): void {
    if (this.#error) throw this.#error;
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#waiting?.reject(this.#error);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const lines = (this.#held + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#held = lines.pop()!;
    for (const line of lines) {
      if (line !== this.#mark) {
        this.#lines.push(line);
        continue;
      }
      const answer = this.#lines;
      this.#lines = [];
      this.#waiting?.resolve(answer);
    }
    done();
  }
}
