import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const fileOf = (upid: string) => encodeURIComponent(upid);

/** Logs of tasks as files. The last line says how a task ended; a log without one ended unexpectedly. */
export class TaskStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  create(node: string, upid: string): void {
    mkdirSync(join(this.#folder, node), { recursive: true });
    writeFileSync(join(this.#folder, node, fileOf(upid)), '');
  }

  append(node: string, upid: string, line: string): void {
    appendFileSync(join(this.#folder, node, fileOf(upid)), `${line}\n`);
  }

  /** Notes the time of the end for a task that could not write its last line. */
  touch(node: string, upid: string): void {
    const now = new Date();
    utimesSync(join(this.#folder, node, fileOf(upid)), now, now);
  }

  /** Lines of a log; null: no such task. */
  lines(node: string, upid: string): readonly string[] | null {
    try {
      const text = readFileSync(join(this.#folder, node, fileOf(upid)), 'utf8');
      return text === '' ? [] : text.replace(/\n$/, '').split('\n');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** Seconds since 1970 of the last line. */
  changedAt(node: string, upid: string): number {
    return Math.floor(statSync(join(this.#folder, node, fileOf(upid))).mtimeMs / 1000);
  }

  /** All tasks of a node. */
  list(node: string): readonly string[] {
    try {
      return readdirSync(join(this.#folder, node)).map(decodeURIComponent);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

/** How a task ended, by its log's last line. */
export function statusOf(lines: readonly string[]): string {
  const last = lines.at(-1) ?? '';
  if (last === 'TASK OK') return 'OK';
  const [, kind, text] = /^TASK (ERROR|WARNINGS): ([\s\S]+)$/.exec(last) ?? [];
  if (kind === undefined || text === undefined) return 'unexpected status';
  return kind === 'ERROR' ? text : `WARNINGS: ${text}`;
}
