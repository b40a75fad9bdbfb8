import { ProxmoxError } from '@psa/proxmox/client/errors';
import { SshError } from '@psa/proxmox/ssh';
import { expect, it } from 'vitest';
import { renderError, toCliError } from './errors.ts';

const asked = { method: 'GET', path: '/cluster/status' } as const;

it('says what the cluster said, and what to do, instead of asking for a report', () => {
  const error = toCliError(new ProxmoxError({ kind: 'network', ...asked }));
  expect(error).toMatchObject({ outcome: 'failed', code: 'CLUSTER_NETWORK' });
  expect(renderError(error)).toMatch(
    /^psactl: Unable to finish: the cluster would not\.\n {2}why: .*\n {2}fix: "psactl doctor"/,
  );
});

it('keeps the exit codes of a refused token, of a missing privilege and of a lock', () => {
  const outcome = (kind: 'unauthorised' | 'forbidden' | 'locked') =>
    toCliError(new ProxmoxError({ kind, ...asked, hint: 'Do this.' }));
  expect(outcome('unauthorised')).toMatchObject({ outcome: 'not_authorised', fix: 'Do this.' });
  expect(outcome('forbidden')).toMatchObject({ outcome: 'not_authorised', code: 'CLUSTER_FORBIDDEN' });
  expect(outcome('locked')).toMatchObject({ outcome: 'locked' });
});

it('names the file or folder that cannot be used, and asks for no report', () => {
  const thrown = (code: string) =>
    toCliError(
      Object.assign(new Error(`${code}: mkdir '/mnt/x'`), { code, syscall: 'mkdir', path: '/mnt/x' }),
    );
  expect(thrown('ENOTDIR').message).toBe('Unable to use /mnt/x: it is no folder.');
  expect(thrown('EEXIST').message).toBe('Unable to use /mnt/x: it stands in the way.');
  expect(thrown('ENOSPC')).toMatchObject({ code: 'ENOSPC', why: "ENOSPC: mkdir '/mnt/x'" });
  expect(renderError(thrown('EROFS'))).not.toContain('PSA_DEBUG');
});

it('gives the advice of a cluster error once', () => {
  const hint = 'Compare it on the node.';
  const text = renderError(toCliError(new ProxmoxError({ kind: 'fingerprint', ...asked, hint })));
  expect(text.split(hint)).toHaveLength(2);
  expect(text).toMatch(/why: Unable to GET \/cluster\/status: fingerprint\n {2}fix: Compare/);
});

it('sends who cannot reach a node by ssh to what examines it, and asks for no report', () => {
  const off = { code: null, stderr: '', begun: false };
  const text = renderError(toCliError(new SshError('pve2', 'run true in CT 220', 'Connection refused', off)));
  expect(text).toMatch(
    /^psactl: Unable to run true in CT 220 on pve2: Connection refused\n {2}fix: .*psactl doctor/,
  );
  expect(text).not.toContain('PSA_DEBUG');
});
