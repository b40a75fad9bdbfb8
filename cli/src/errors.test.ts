import { ProxmoxError } from '@psa/proxmox/client/errors';
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

it('keeps the exit codes of a refused token and of a lock', () => {
  const outcome = (kind: 'unauthorised' | 'locked') =>
    toCliError(new ProxmoxError({ kind, ...asked, hint: 'Do this.' }));
  expect(outcome('unauthorised')).toMatchObject({ outcome: 'not_authorised', fix: 'Do this.' });
  expect(outcome('locked')).toMatchObject({ outcome: 'locked' });
});
