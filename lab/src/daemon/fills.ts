import type { Lab } from '../lab.ts';

const FILE = 'fills.json';

/** Which storages `fill-disk` has filled; the fillings themselves lie on the storages. */
export class Fills {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  async set(node: string, storage: string, share: number): Promise<void> {
    await this.#lab.volumes.fill(node, storage, share);
    const all = this.#read();
    const own = { ...all[node] };
    if (share === 0) delete own[storage];
    else own[storage] = share;
    this.#lab.files.writeJson(FILE, { ...all, [node]: own });
  }

  of(node: string): Readonly<Record<string, number>> {
    return this.#read()[node] ?? {};
  }

  #read(): Record<string, Record<string, number>> {
    return this.#lab.files.readJson(FILE, {});
  }
}
