import { describe, expect, it } from 'vitest';
import { bridgeFinding, clockFinding, storageFinding, tokenFindings, versionFindings } from './findings.ts';

const GIB = 1024 ** 3;

describe('the doctor', () => {
  it('looks at storages: there, active, content, room', () => {
    const wanted = { name: 'shared', type: 'nfs', content: ['rootdir', 'vztmpl'] } as const;
    const mayLook = { '/storage': { 'Datastore.Audit': 1 } };
    const seen = {
      storage: 'shared',
      content: 'rootdir,vztmpl',
      active: 1,
      avail: 50 * GIB,
      total: 100 * GIB,
    };
    const result = (more: object, may: Parameters<typeof storageFinding>[3] = mayLook) =>
      storageFinding(wanted, 'pve1', [{ ...seen, ...more }], may);
    expect(result({})).toMatchObject({ result: 'ok', detail: '50.0 GiB of 100.0 GiB free', fix: null });
    expect(result({ storage: 'other' })).toMatchObject({ result: 'failed', detail: 'is not there' });
    // What may not be seen is not missing.
    expect(result({ storage: 'other' }, {})).toMatchObject({
      result: 'failed',
      detail: 'cannot be seen: the token has no Datastore.Audit on /storage/shared',
    });
    expect(result({ type: 'nfs' }).result).toBe('ok');
    expect(result({ type: 'dir' }).detail).toBe('is of the kind dir, the inventory says nfs');
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
    expect(results('7.4')).toEqual(['failed']);
    expect(results('8.2.4')).toEqual(['warning']);
    expect(results('10.0')).toEqual(['warning']);
    expect(versionFindings({ pve1: '8.4.1' })[0]!.detail).toMatch(/^pve1 8\.4\.1: HA by groups/);
    const bridge = { iface: 'vmbr0', type: 'bridge', active: 1, bridge_vlan_aware: 1 };
    expect(bridgeFinding('vmbr0', 'pve1', [bridge]).result).toBe('ok');
    expect(bridgeFinding('vmbr1', 'pve1', [bridge]).result).toBe('failed');
    // Proxmox serves VLANs on such a bridge too, as long as there is a card under it.
    const plain = { ...bridge, bridge_vlan_aware: 0 };
    expect(bridgeFinding('vmbr0', 'pve1', [{ ...plain, bridge_ports: 'eno1' }])).toMatchObject({
      ...{ result: 'ok', detail: expect.stringMatching(/not VLAN aware/), fix: null },
    });
    expect(bridgeFinding('vmbr0', 'pve1', [plain])).toMatchObject({
      ...{ result: 'failed', detail: expect.stringMatching(/no card/) },
    });
  });

  it('names every permission that the token lacks, and what for', () => {
    const rights = (text: string, holdsBelow = 1) =>
      Object.fromEntries(text.split(' ').map((name) => [name, holdsBelow]));
    const vm = rights(
      'VM.Allocate VM.Audit VM.PowerMgmt VM.Config.Options VM.Config.Memory VM.Config.CPU VM.Config.Disk VM.Config.Network VM.Migrate VM.Snapshot Pool.Allocate',
    );
    const backup = { 'VM.Backup': 1 };
    const all = {
      '/': rights('Sys.Audit Sys.Console Sys.Modify', 0),
      '/pool/psa': vm,
      '/vms': backup,
      '/sdn/zones': rights('SDN.Use'),
      '/storage': rights('Datastore.Audit Datastore.AllocateSpace Datastore.AllocateTemplate'),
    };
    const results = (permissions: Parameters<typeof tokenFindings>[0]) =>
      tokenFindings(permissions, 'psa', ['shared'])
        .filter(({ what }) => what !== 'guests of others')
        .map((one) => `${one.result} ${one.what}: ${one.detail}`);
    expect(results(all)).toEqual(['ok permissions of the token: all are there']);
    const view = (permissions: Parameters<typeof tokenFindings>[0]) =>
      tokenFindings(permissions, 'psa', ['shared']).at(-1)!.detail;
    expect(view(all)).toMatch(/^are not seen .* psa_audit_all/);
    expect(view({ ...all, '/vms': { ...backup, 'VM.Audit': 1 } })).toBe('are seen by the token');
    // In the pool alone it ends with the container that was in it.
    expect(results({ ...all, '/pool/psa': { ...vm, ...backup }, '/vms': {} })).toEqual([
      'failed permission VM.Backup on /vms: is missing: psactl cannot back containers up, and restore one that is gone',
    ]);
    const { 'VM.Migrate': __, ...still } = vm;
    expect(results({ ...all, '/pool/psa': still })).toEqual([
      'failed permission VM.Migrate on /pool/psa: is missing: psactl cannot move containers to another node',
    ]);
    const { 'VM.Allocate': _, ...less } = vm;
    expect(results({ ...all, '/pool/psa': less })).toEqual([
      'failed permission VM.Allocate on /pool/psa: is missing: psactl cannot make containers',
    ]);
    expect(results({ ...all, '/pool/psa': less, '/vms': { ...backup, 'VM.Allocate': 1 } })).toHaveLength(1);
    expect(results({ ...all, '/': rights('Sys.Audit Sys.Console', 0) })).toEqual([
      'failed permission Sys.Modify on /: is missing: psactl cannot limit the bandwidth of backups, or give tags that are registered',
    ]);
    // What stands at a path without holding below it is of no use further down.
    const above = {
      ...all,
      '/storage': rights('Datastore.Audit Datastore.AllocateSpace Datastore.AllocateTemplate', 0),
    };
    expect(results(above)).toHaveLength(3);
    expect(
      results({
        '/': { ...rights('Sys.Audit Sys.Console Sys.Modify SDN.Use'), ...vm, ...backup },
        '/storage': all['/storage'],
      }),
    ).toHaveLength(1);
  });
});
