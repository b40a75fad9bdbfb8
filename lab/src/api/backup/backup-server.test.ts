import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiBench, ROOT } from '../bench.test-helper.ts';
import { fileNameOf, volumeNameOf } from './archive-name.ts';

interface Entry {
  readonly volid: string;
  readonly [key: string]: unknown;
}

it('a snapshot has the name of its moment, and no other text is one', () => {
  const name = fileNameOf('pbs', 'backup/ct/101/2026-11-21T09:55:53Z')!;
  expect(volumeNameOf('pbs', name)).toBe('backup/ct/101/2026-11-21T09:55:53Z');
  for (const text of [
    'backup/vm/101/2026-11-21T09:55:53Z',
    'backup/ct/101/../x',
    'backup/ct/1/x',
    `backup/${name}`,
  ])
    expect([text, fileNameOf('pbs', text)]).toEqual([text, null]);
  expect(fileNameOf('dir', `backup/${name}`)).toBe(name);
});

describe('backups on a Proxmox Backup Server', () => {
  let bench: ApiBench;
  beforeAll(async () => {
    bench = await ApiBench.open();
    expect(await bench.create('pve1', 300, { rootfs: 'shared:1' })).toBe('OK');
    await bench.data(
      ...([
        'POST',
        '/storage',
        { storage: 'vault', type: 'pbs', server: '10.0.50.20', datastore: 'psa', username: 'psa@pbs' },
        { as: ROOT },
      ] as const),
    );
  });
  afterAll(() => bench.close());

  const list = (node = 'pve1') =>
    bench.data<Entry[]>('GET', `/nodes/${node}/storage/vault/content`, { content: 'backup' }, { as: ROOT });
  const pathOf = (volid: string) => `/nodes/pve1/storage/vault/content/${encodeURIComponent(volid)}`;
  const dump = async () => {
    await sleep(1010 - (Date.now() % 1000));
    const params = { vmid: 300, storage: 'vault', remove: 0, 'notes-template': 'psa {{guestname}}' };
    const upid = await bench.data<string>('POST', '/nodes/pve1/vzdump', params, { as: ROOT });
    expect(await bench.lab.tasks.wait(upid)).toBe('OK');
    return bench.lab.tasks.lines(upid)!;
  };

  it('are moments of a container, seen by every node, and verified by the server alone', async () => {
    expect((await dump()).join('\n')).toMatch(/creating Proxmox Backup Server archive 'ct\/300\/[-\dT:]+Z'/);
    const [one] = await list('pve2');
    expect(one).toMatchObject({
      volid: expect.stringMatching(/^vault:backup\/ct\/300\/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      ...{
        format: 'pbs-ct',
        subtype: 'lxc',
        content: 'backup',
        vmid: 300,
        notes: expect.stringMatching(/^psa /),
      },
    });
    expect(one!.verification).toBeUndefined();
    const folder = await bench.lab.volumes.folder('pve1', 'vault', 'backup');
    const file = fileNameOf('pbs', one!.volid.slice('vault:'.length))!;
    writeFileSync(join(folder, `${file}.verification`), 'failed\n');
    expect((await list())[0]!.verification).toMatchObject({ state: 'failed' });
  });

  it('are protected, judged and removed as others are, by that name', async () => {
    await dump();
    const [first, second] = (await list()).map(({ volid }) => volid);
    await bench.data('PUT', pathOf(first!), { protected: 1 }, { as: ROOT });
    expect(await bench.task('DELETE', pathOf(first!), {}, { as: ROOT })).toBe(
      `cannot remove protected volume '${first!.slice('vault:'.length)}' on 'vault'`,
    );
    const judged = { 'prune-backups': 'keep-last=1', vmid: 300 };
    expect(
      await bench.data('GET', '/nodes/pve1/storage/vault/prunebackups', judged, { as: ROOT }),
    ).toMatchObject([
      { volid: first, mark: 'protected', type: 'lxc' },
      { volid: second, mark: 'keep' },
    ]);
    expect(await bench.task('DELETE', pathOf(second!), {}, { as: ROOT })).toBe('OK');
    expect((await list()).map(({ volid }) => volid)).toEqual([first]);
    expect(await bench.said('DELETE', pathOf('vault:backup/ct/300/yesterday'), {}, { as: ROOT })).toMatch(
      /unable to parse PBS volume name 'backup\/ct\/300\/yesterday'/,
    );
  });

  it('give their configuration and the container back', async () => {
    const [{ volid }] = (await list()) as [Entry];
    const config = await bench.data<string>(
      ...(['GET', '/nodes/pve2/vzdump/extractconfig', { volume: volid }, { as: ROOT }] as const),
    );
    expect(config).toContain('rootfs: shared:300/');
    const params = { vmid: 301, ostemplate: volid, restore: 1, storage: 'shared', unprivileged: 1 };
    expect(await bench.task('POST', '/nodes/pve2/lxc', params, { as: ROOT })).toBe('OK');
  });
});
