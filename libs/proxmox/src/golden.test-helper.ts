import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiSchema } from './schema/api-schema.ts';

const FOLDER = join(import.meta.dirname, '../../../../shared/pve');

/** A recorded exchange with a real three-node cluster. */
export interface Exchange {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly params?: Record<string, string | number | string[]> | null;
  readonly as: string;
  readonly status?: number;
  readonly reason?: string;
  readonly contentType?: string;
  readonly body?:
    | string
    | { data: unknown; message?: string; errors?: Record<string, string>; total?: number };
  readonly task?: {
    readonly first: TaskRecord;
    readonly final: TaskRecord;
    readonly log: readonly string[];
  };
  /** What was sent instead of parameters. */
  readonly rawBody?: string;
  readonly requestHeaders?: Readonly<Record<string, string>>;
  /** What the recording client saw when there was no answer. */
  readonly error?: string;
}

/** The state of a task as the API gives it. */
export type TaskRecord = { status: string; exitstatus?: string; upid: string; type: string; node: string };

const FILES = ['01-lxc', '02-backup-perm', '03-running-ha', '04-migrate-upload', '06-node-failure'];

/** Every recorded exchange, in order. */
export const exchanges: readonly Exchange[] = FILES.flatMap(
  (file) => JSON.parse(readFileSync(join(FOLDER, 'golden', `${file}.json`), 'utf8')) as Exchange[],
);

/** The recorded exchange of a name (the first of that name, or the one asked for). */
export function exchange(name: string, nth = 0): Exchange {
  const found = exchanges.filter((one) => one.name === name)[nth];
  if (!found) throw new Error(`no recorded exchange "${name}"`);
  return found;
}

/** The schema of PVE 9. */
export const schema9 = ApiSchema.fromFile(join(FOLDER, 'apidoc.json'));

/** The schema of PVE 8.4. */
export const schema8 = ApiSchema.fromFile(join(FOLDER, 'apidoc-8.4.json'));
