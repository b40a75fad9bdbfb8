import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { type RunSpec, RuntimeFailure } from '../../ports.ts';
import type { Container } from './program.ts';

/** What the state file keeps of a container that runs. */
export interface FakeState {
  readonly spec: RunSpec;
  readonly startedAt: number;
  readonly frozen: boolean;
  readonly units: Readonly<Record<string, string>>;
}

/** Where the state of all containers is kept. */
export interface FakeStates {
  get(): Readonly<Record<string, FakeState>>;
  change(key: string, state: Partial<FakeState>): void;
}

/** Units that come up with the container, one a line; a real one keeps links. */
const ENABLED = '/etc/psa/enabled';

/** A running fake container: files in a folder, and the units that it says it runs. */
export class FakeContainer implements Container {
  readonly node: string;
  readonly id: number;
  readonly hostname: string;
  readonly address: string | null;
  readonly rootfs: string;
  readonly #key: string;
  readonly #states: FakeStates;

  constructor(key: string, states: FakeStates) {
    const { spec } = states.get()[key]!;
    this.#key = key;
    this.#states = states;
    this.node = spec.node;
    this.id = spec.id;
    this.hostname = spec.hostname;
    this.address = spec.cards.find((card) => card.address !== null)?.address?.split('/')[0] ?? null;
    this.rootfs = spec.rootfs;
  }

  resolve(path: string): string {
    const root = realpathSync(this.rootfs);
    const target = join(root, normalize(join('/', path)));
    // The nearest part that exists tells where a link would lead.
    let known = target;
    while (!existsSync(known)) known = dirname(known);
    if (relative(root, realpathSync(known)).startsWith('..'))
      throw new RuntimeFailure(`${path} leads out of the container`);
    return target;
  }

  read(path: string): Buffer {
    return readFileSync(this.resolve(path));
  }

  write(path: string, content: Buffer, mode?: number): void {
    const target = this.resolve(path);
    // Files under test are written where templates would have made the folders.
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    if (mode !== undefined) chmodSync(target, mode);
  }

  append(path: string, content: Buffer): void {
    const target = this.resolve(path);
    mkdirSync(dirname(target), { recursive: true });
    appendFileSync(target, content);
  }

  exists(path: string): boolean {
    try {
      lstatSync(this.resolve(path));
      return true;
    } catch {
      return false;
    }
  }

  remove(path: string): void {
    rmSync(this.resolve(path), { recursive: true, force: true });
  }

  glob(pattern: string): string[] {
    const folder = dirname(pattern);
    const last = pattern.slice(pattern.lastIndexOf('/') + 1);
    if (/[*?]/.test(folder) || !this.exists(folder)) return [];
    const source = last
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    const wanted = new RegExp(`^${source}$`);
    return readdirSync(this.resolve(folder))
      .filter((name) => wanted.test(name) && !name.startsWith('.'))
      .sort()
      .map((name) => join(folder, name));
  }

  get units(): Readonly<Record<string, string>> {
    return this.#states.get()[this.#key]?.units ?? {};
  }

  setUnit(name: string, state: string): void {
    this.#states.change(this.#key, { units: { ...this.units, [name]: state } });
  }

  isEnabled(name: string): boolean {
    return this.enabled().includes(name);
  }

  setEnabled(name: string, enabled: boolean): void {
    const others = this.enabled().filter((one) => one !== name);
    const all = enabled ? [...others, name] : others;
    this.write(ENABLED, Buffer.from(all.map((one) => `${one}\n`).join('')));
  }

  /** Units that come up with it. */
  enabled(): string[] {
    return this.exists(ENABLED) ? this.read(ENABLED).toString().split('\n').filter(Boolean) : [];
  }

  others(): Container[] {
    return Object.keys(this.#states.get()).map((key) => new FakeContainer(key, this.#states));
  }
}
