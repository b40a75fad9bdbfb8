import { ProxmoxError } from '@psa/proxmox/client/errors';
import { describe, expect, it } from 'vitest';
import { refusalFinding, type TrialPlace, trialIds } from './trial-text.ts';

const place: TrialPlace = {
  ...{ id: 219, node: 'pve1', storage: 'shared', templateStorage: 'local', backupStorage: 'nas' },
  ...{ bridge: 'vmbr0', vlan: 20, pool: 'psa' },
};
const refused = (facts: Partial<ConstructorParameters<typeof ProxmoxError>[0]>) =>
  new ProxmoxError({ kind: 'refused', method: 'POST', path: '/x', ...facts });

describe('what the trial says of a refusal', () => {
  it('names the privilege, and where it is given', () => {
    const tags = refusalFinding(
      'tags',
      place,
      refused({ status: 403, reason: 'Permission check failed (/vms/219, VM.Config.Options)' }),
    );
    expect(tags.detail).toBe('the token has no VM.Config.Options on /vms/219');
    expect(tags.fix).toContain('Give VM.Config.Options on /pool/psa to the token and to its user');
    const bridge = refusalFinding(
      'create',
      place,
      refused({ status: 403, reason: 'Permission check failed (/sdn/zones/localnetwork/vmbr0/20, SDN.Use)' }),
    );
    expect(bridge.fix).toContain('Give SDN.Use on /sdn/zones/localnetwork/vmbr0/20');
    const pool = refusalFinding(
      'create',
      place,
      refused({ status: 403, reason: "Permission check failed (pool 'psa' does not exist)" }),
    );
    expect(pool).toMatchObject({
      detail: "the token may not (pool 'psa' does not exist)",
      fix: expect.stringContaining('Does the pool psa exist'),
    });
  });

  it('says what a task said, with the end of its log, and the setting to look at', () => {
    const task = {
      upid: 'UPID:pve1:0:0:0:vzstart:219:psactl@pve!psactl:',
      exitStatus: "startup for container '219' failed",
      log: ["bridge 'vmbr7' does not exist", "TASK ERROR: startup for container '219' failed"],
    };
    const start = refusalFinding('start', place, refused({ kind: 'task', task }));
    expect(start).toMatchObject({
      what: 'trial: start it, with its network',
      detail: "startup for container '219' failed",
      fix: expect.stringContaining('Does vmbr0 carry VLAN 20?'),
    });
    const dump = { ...task, exitStatus: 'job errors', log: ['ERROR: no space left on device'] };
    expect(refusalFinding('backup', place, refused({ kind: 'task', task: dump })).detail).toBe(
      'job errors; its log ends: ERROR: no space left on device',
    );
    expect(refusalFinding('exec', place, new Error('pct ends with 255')).detail).toBe('pct ends with 255');
  });

  it('takes an id in the range of the appliance that is not one of its own', () => {
    expect([...trialIds([200, 201, 205])].slice(0, 4)).toEqual([204, 203, 202, 206]);
    expect([...trialIds([200, 201, 205], 7200)]).toEqual([7200]);
  });
});
