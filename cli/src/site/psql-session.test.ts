import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ExecOptions } from '@psa/proxmox/ssh';
import type { Session } from '@psa/recovery/rows/session';
import { describe, expect, it } from 'vitest';
import type { Cluster } from './cluster.ts';
import { withPsqlSession } from './psql-session.ts';

/** A container in which that line runs in place of psql. */
const inPlaceOfPsql = (line: string) => {
  const signal = new AbortController().signal;
  const exec = (_id: number, _argv: readonly string[], { stdin, stdout, signal: ends }: ExecOptions) =>
    new Promise((resolve, reject) => {
      const child = spawn('sh', ['-c', line], { signal: ends });
      child.stdin.on('error', () => {});
      (stdin as Readable).pipe(child.stdin);
      child.stdout.pipe(stdout!, { end: false });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stdout: '', stderr: '' }));
    });
  return { signal, exec, nameOf: (id: number) => `psa-postgres-1 (CT ${id})` } as unknown as Cluster;
};

describe('a session in PostgreSQL', () => {
  it.each(['asked=$(cat); echo 1', 'exec sleep 600'])('that says nothing ends: %s', async (line) => {
    const begun: string[] = [];
    const session = withPsqlSession(
      ...([inPlaceOfPsql(line), 300, 'psa_platform', async () => void begun.push('work'), 200] as const),
    );
    await expect(session).rejects.toMatchObject({
      message: 'Unable to work in PostgreSQL in psa-postgres-1 (CT 300): it does not answer.',
      why: expect.stringContaining('said nothing for 0 s'),
    });
    expect(begun).toEqual([]);
  });

  it('that has said its first word may take as long as it takes', async () => {
    // Each mark is given back, the second one late.
    const line = `n=0; while read -r line; do case $line in copy*) n=$((n + 1)); [ $n = 2 ] && sleep 0.6
      echo "$line" | sed "s/.*'\\(.*\\)'.*/\\1/" ;; esac; done`;
    const done = withPsqlSession(
      ...([inPlaceOfPsql(line), 300, 'psa_platform', (one: Session) => one.exec('begin'), 300] as const),
    );
    await expect(done).resolves.toBeUndefined();
  });
});
