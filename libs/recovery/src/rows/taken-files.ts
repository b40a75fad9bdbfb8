import { Readable } from 'node:stream';
import { FILE_RELATIONS } from '@psa/infra/files/postgres-file-store';
import { field } from './copy-text.ts';
import { Spool } from './spool.ts';
import type { Taken } from './take.ts';

/** What keeps files on a disk. */
interface Files {
  get(tenantId: string, key: string): Promise<Readable | null>;
  put(tenantId: string, key: string, content: Readable, maxBytes: number): Promise<unknown>;
}

/** A file that rows name, out of a backup. */
export interface TakenFile {
  readonly tenant_id: string;
  readonly key: string;
  readonly spool: Spool;
}

/** The values of some columns of rows that were taken, as text. Only for so many as fit into memory. */
export async function valuesOf(rows: Taken, names: readonly string[]): Promise<readonly (string | null)[][]> {
  const at = names.map((name) => rows.columns.indexOf(name));
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of rows.spool.read()) text += decoder.decode(chunk, { stream: true });
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'))
    .map((fields) => at.map((one) => (one === -1 ? null : field(fields[one]!))));
}

/** Takes the files that rows name where a disk has them, as the platform in one process keeps them. */
export async function takeFiles(files: Files, taken: readonly Taken[]): Promise<readonly TakenFile[]> {
  const found: TakenFile[] = [];
  for (const rows of taken.filter(({ columns }) => columns.includes(FILE_RELATIONS.column)))
    for (const [tenant_id, key] of await valuesOf(rows, ['tenant_id', FILE_RELATIONS.column])) {
      const content = await files.get(tenant_id!, key!);
      if (!content) continue;
      const spool = new Spool();
      for await (const chunk of content) await spool.write(chunk as Buffer);
      found.push({ tenant_id: tenant_id!, key: key!, spool });
    }
  return found;
}

/** Which of them are not there any more. */
export async function missingFiles(files: Files, taken: readonly TakenFile[]): Promise<readonly TakenFile[]> {
  const missing: TakenFile[] = [];
  for (const one of taken) {
    const content = await files.get(one.tenant_id, one.key);
    if (content) content.destroy();
    else missing.push(one);
  }
  return missing;
}

/** Puts them there. Before their rows: a row never names a file that is not there. */
export async function putFiles(files: Files, missing: readonly TakenFile[]): Promise<void> {
  for (const { tenant_id, key, spool } of missing)
    await files.put(tenant_id, key, Readable.from(spool.read(), { objectMode: false }), spool.bytes);
}
