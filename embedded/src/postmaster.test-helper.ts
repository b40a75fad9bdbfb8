import { readFile } from 'node:fs/promises';

/**
 * The process of the PostgreSQL server on `dataDir` that `ancestor` started. Run as root, the server has another
 * number inside its own namespace than outside; the list of its parent's children knows the real one.
 */
export async function postmasterBelow(ancestor: number, dataDir: string): Promise<number> {
  const pid = Number((await readFile(`${dataDir}/postmaster.pid`, 'utf8')).split('\n')[0]);
  const children = await readFile(`/proc/${ancestor}/task/${ancestor}/children`, 'utf8');
  for (const child of children.trim().split(' ').filter(Boolean).map(Number)) {
    const status = await readFile(`/proc/${child}/status`, 'utf8');
    const numbers = /^NSpid:\s+(.+)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? [child];
    if (numbers.includes(pid)) return child;
  }
  throw new Error(`There is no process ${pid} below ${ancestor}.`);
}
