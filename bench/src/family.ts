import { readdir, readFile } from 'node:fs/promises';

/** A process and all that descend from it. */
export async function family(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    const text = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => null) : null;
    // After the name, which may hold spaces: state, then the parent.
    if (text) parents.set(Number(name), Number(text.split(') ').at(-1)!.split(' ')[1]));
  }
  const found = new Set([pid]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const [child, parent] of parents) if (found.has(parent)) found.add(child);
  }
  return [...found];
}
