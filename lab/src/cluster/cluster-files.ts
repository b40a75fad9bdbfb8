import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The digest that the API gives of a file. */
export const digestOf = (text: string): string => createHash('sha1').update(text).digest('hex');

/**
 * The files that all nodes share, as `/etc/pve` has them. A file is replaced as a whole, so a daemon that is killed
 * leaves the old one or the new one.
 */
export class ClusterFiles {
  readonly root: string;
  #count = 0;

  constructor(root: string) {
    this.root = root;
    mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  /** Text of a file such as `nodes/pve1/lxc/101.conf`; null: there is none. */
  read(path: string): string | null {
    try {
      return readFileSync(join(this.root, path), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  write(path: string, text: string): void {
    const target = join(this.root, path);
    const draft = `${target}.tmp.${process.pid}.${this.#count++}`;
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    writeFileSync(draft, text, { mode: 0o600 });
    renameSync(draft, target);
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { force: true });
  }

  move(from: string, to: string): void {
    const target = join(this.root, to);
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    renameSync(join(this.root, from), target);
  }

  /** Names in a folder; none when it is not there. */
  list(folder: string): readonly string[] {
    try {
      return readdirSync(join(this.root, folder)).filter((name) => !name.includes('.tmp.'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** A JSON file, or what stands for it while there is none. */
  readJson<T>(path: string, absent: T): T {
    const text = this.read(path);
    return text === null ? absent : (JSON.parse(text) as T);
  }

  writeJson(path: string, value: unknown): void {
    this.write(path, `${JSON.stringify(value, null, 1)}\n`);
  }
}
