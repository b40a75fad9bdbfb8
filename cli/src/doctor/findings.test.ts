import { describe, expect, it } from 'vitest';
import { bridgeFinding, clockFinding, storageFinding, tokenFindings, versionFindings } from './findings.ts';

const GIB = 1024 ** 3;

describe('the doctor', () => {
  it('looks at storages: there, active, content, room', () => {
    const wanted = { name: 'shared', content: ['rootdir', 'vztmpl'] };
    const seen = {
      storage: 'shared',
      content: 'rootdir,vztmpl',
      active: 1,
      avail: 50 * GIB,
      total: 100 * GIB,
    };
    const result = (more: object) => storageFinding(wanted, 'pve1', [{ ...seen, ...more }]);
    expect(result({})).toMatchObject({ result: 'ok', detail: '50.0 GiB of 100.0 GiB free', fix: null });
    expect(result({ storage: 'other' })).toMatchObject({ result: 'failed', detail: 'is not there' });
    expect(result({ active: 0 }).result).toBe('failed');
    expect(result({ content: 'rootdir,images' })).toMatchObject({
      result: 'failed',
      fix: 'pvesm set shared --content rootdir,images,vztmpl',
    });
    expect(result({ avail: 10 * GIB }).result).toBe('warning');
    expect(result({ avail: GIB }).result).toBe('failed');
  });

  it('looks at clocks, versions and bridges', () => {
    expect([0.9, -10, 45].map((seconds) => clockFinding('pve1', seconds).result)).toEqual([
      'ok',
      'warning',
      'failed',
    ]);
    const results = (...versions: string[]) =>
      versionFindings(Object.fromEntries(versions.map((one, index) => [`pve${index}`, one]))).map(
        (one) => one.result,
      );
    expect(results('9.2', '9.2')).toEqual(['ok']);
    expect(results('9.1', '9.2')).toEqual(['warning']);
    expect(results('8.4', '9.2')).toEqual(['failed']);
    const bridge = { iface: 'vmbr0', type: 'bridge', active: 1, bridge_vlan_aware: 1 };
    expect(bridgeFinding('vmbr0', 'pve1', [bridge]).result).toBe('ok');
    expect(bridgeFinding('vmbr1', 'pve1', [bridge]).result).toBe('failed');
    expect(bridgeFinding('vmbr0', 'pve1', [{ ...bridge, bridge_vlan_aware: 0 }]).detail).toBe(
      'is not VLAN aware',
    );
  });

  it('names every permission that the token lacks, and what for', () => {
    const rights = (text: string, holdsBelow = 1) =>
      Object.fromEntries(text.split(' ').map((name) => [name, holdsBelow]));
    const vm = rights(
      'VM.Allocate VM.Audit VM.PowerMgmt VM.Config.Options VM.Config.Memory VM.Config.CPU VM.Config.Disk VM.Config.Network Pool.Allocate',
    );
    const all = {
      '/': rights('Sys.Audit Sys.Console', 0),
      '/pool/psa': vm,
      '/storage': rights('Datastore.Audit Datastore.AllocateSpace Datastore.AllocateTemplate'),
    };
    const results = (permissions: Parameters<typeof tokenFindings>[0]) =>
      tokenFindings(permissions, 'psa', ['shared']).map((one) => `${one.result} ${one.what}: ${one.detail}`);
    expect(results(all)).toEqual(['ok permissions of the token: all are there']);
    const { 'VM.Allocate': _, ...less } = vm;
    expect(results({ ...all, '/pool/psa': less })).toEqual([
      'failed permission VM.Allocate on /pool/psa: is missing: psactl cannot make containers',
    ]);
    expect(results({ ...all, '/pool/psa': less, '/vms': { 'VM.Allocate': 1 } })).toHaveLength(1);
    // What stands at a path without holding below it is of no use further down.
    const above = {
      ...all,
      '/storage': rights('Datastore.Audit Datastore.AllocateSpace Datastore.AllocateTemplate', 0),
    };
    expect(results(above)).toHaveLength(3);
    expect(
      results({ '/': { ...rights('Sys.Audit Sys.Console'), ...vm }, '/storage': all['/storage'] }),
    ).toHaveLength(1);
  });
});
