import type { Params } from '@psa/proxmox/schema/api-schema';
import { describe, expect, it } from 'vitest';
import { type ApiBench, ROOT } from './bench.test-helper.ts';

/**
 * One request after another, and what a real cluster answers: the status and reason, then fields or data; null: no data.
 * Of a task: its exit status. Asked by root's token unless told otherwise.
 */
export type Row = readonly [
  method: string,
  path: string,
  params: Params,
  said: string,
  more?: Readonly<Record<string, unknown>> | readonly unknown[] | string | null,
  as?: string,
];

export const BAD = '400 Parameter verification failed.';
export const OK = '200 OK';
/** The request is taken and starts a task, which ends as the next field says. */
export const TASK = 'a task';

/** A test per row, in their order. */
export function answerTables(bench: () => ApiBench, tables: Readonly<Record<string, readonly Row[]>>): void {
  describe.each(Object.entries(tables))('%s', (_, rows) => {
    it.each(rows.map((row) => [row[0], row[1], row[2], row] as const))('%s %s %j', async (...given) => {
      const [method, path, params, said, more, as = ROOT] = given[3];
      const { status, reason, body } = await bench().ask(method, path, params, { as });
      if (said === TASK) {
        expect(`${status} ${reason}`).toBe(OK);
        expect(await bench().lab.tasks.wait(String(body?.data))).toBe(more);
        return;
      }
      expect(`${status} ${reason}`).toBe(said);
      if (more === undefined) return;
      if (more === null) expect(body?.data).toBeNull();
      else if (typeof more === 'string') expect(body?.data).toBe(more);
      else expect(status === 400 ? body?.errors : body?.data).toMatchObject(more as object);
    });
  });
}
