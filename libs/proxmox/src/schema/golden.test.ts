import { describe, expect, it } from 'vitest';
import { exchanges, schema9 } from '../golden.test-helper.ts';
import { refusalOf } from './api-schema.ts';

/**
 * Requests that the schema takes as valid and the real cluster refused with 400: the code behind the route looks at
 * more than its schema does (who asks, what exists, which options exclude each other).
 */
const REFUSED_BEHIND_THE_SCHEMA: Readonly<Record<string, string>> = {
  'next id used': 'the id exists',
  'vzdump storage w/o backup content': 'dumpdir is for root alone',
  'vzdump as ops token dumpdir': 'dumpdir is for root alone',
  'vzdump all+vmid': 'options that exclude each other',
  'migrate to same node': 'the target is the node itself',
  'ops: start skiplock': 'skiplock is for root alone',
  'root token: start skiplock': 'a token of root is not root',
  'token create via token': 'the token exists',
  'task status bad upid': 'the UPID is parsed by the handler, its schema says "string"',
  'task status unknown upid': 'no such task',
  'task status wrong node': 'no such task',
};

/** Exchanges whose recording does not hold what was sent (multipart bodies, a JSON body). */
const NOT_RECORDED: Readonly<Record<string, string>> = {
  'upload vztmpl multipart': 'a multipart body',
  'upload via other node': 'a multipart body',
  'upload bad name': 'a multipart body; the name is judged by the handler',
  'json body': 'a JSON body',
};

describe('the schema judges as the recorded cluster did', () => {
  it('names no exception that is not needed', () => {
    const names = exchanges.map((one) => one.name);
    expect(
      Object.keys({ ...REFUSED_BEHIND_THE_SCHEMA, ...NOT_RECORDED }).filter((name) => !names.includes(name)),
    ).toEqual([]);
    expect(exchanges.length).toBeGreaterThan(190);
  });

  it.each(exchanges.map((one) => [`${one.name}: ${one.method} ${one.path}`, one] as const))(
    '%s',
    (_, one) => {
      const verdict = schema9.check(one.method, one.path, one.params ?? {});
      if (one.name in NOT_RECORDED) {
        expect(schema9.find(one.method, one.path)).not.toBeNull();
        return;
      }
      if (one.name === 'backup job included' && one.status === 400) {
        // Asked twice: before the job was there, and after.
        expect(verdict.kind).toBe('valid');
        return;
      }
      if (one.name in REFUSED_BEHIND_THE_SCHEMA) {
        expect([one.status, verdict.kind]).toEqual([400, 'valid']);
        return;
      }
      const refusal = refusalOf(verdict);
      if (one.status === 400 || one.status === 501)
        expect(refusal).toEqual({ status: one.status, reason: one.reason, body: one.body });
      else expect(refusal).toBeNull();
    },
  );
});
