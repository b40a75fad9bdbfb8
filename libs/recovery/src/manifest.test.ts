import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { artefactFile } from './artefact-name.ts';
import { manifestOf, readManifest, type SiteManifest } from './manifest.ts';
import { readShelf } from './shelf.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('manifest');
});
afterAll(() => dir.remove());

const RUN = '20261130T020000Z-3f9a2c';
/** A manifest as a run writes it. */
const written = (kind: SiteManifest['kind'], more: Partial<SiteManifest> = {}): SiteManifest => ({
  ...{ manifest: 1, id: `${kind}-${RUN}`, kind, site: 'psa/main', run: RUN, tier: 'son', from: {} },
  ...{ at: '2026-11-30T02:00:00.000Z', version: null, warnings: [], content_bytes: null, bytes: 6 },
  ...{ sha256: 'a'.repeat(64), recipients: [], duration_ms: 1, verified_at: '2026-11-30T02:01:00.000Z' },
  ...more,
});
const volume = {
  storage: 'local',
  volid: 'local:backup/vzdump-lxc-320-2026_11_30-02_00_00.tar.zst',
};
const whole = {
  container: written('container', {
    ...{ id: `container-320-${RUN}`, volume, mode: 'snapshot' },
    from: { node: 'pve1', container: 320, name: 'psa-redis-1' },
  }),
  database: written('database', { version: '15.18', lsn: '0/3000148', databases: ['psa_platform'] }),
  pitr: written('pitr', {
    ...{ sha256: null, lsn: '0/2000160', from: { container: 340, name: 'psa-ops-1' } },
    repository: { label: '20261201-030340F', type: 'full', needs: [] },
  }),
  redis: written('redis', { recipients: ['age1x'], from: { container: 320, name: 'x', role: 'master' } }),
  releases: written('releases'),
} as const;

async function put(manifest: object, id: string): Promise<string> {
  const file = join(dir.path, artefactFile(id));
  await writeFile(manifestOf(file), JSON.stringify(manifest));
  return file;
}

describe('a manifest of a part of a site', () => {
  it.each(Object.entries(whole))('of a %s is read as it was written', async (_, manifest) => {
    expect(await readManifest(await put(manifest, manifest.id))).toEqual(manifest);
    const server = { ...whole.container, sha256: null };
    const vault = { storage: 'vault', volid: 'vault:backup/ct/320/2026-11-30T02:00:00Z' };
    expect(await readManifest(await put({ ...server, volume: vault }, server.id))).toMatchObject({
      sha256: null,
    });
    // The clock was set back while it was made.
    const back = { ...whole.database, duration_ms: -3_600_000 };
    expect(await readManifest(await put(back, back.id))).toEqual(back);
  });

  it.each<[keyof typeof whole, string, unknown]>([
    ['container', 'sha256', null],
    ['database', 'sha256', null],
    ['container', 'volume', 'local'],
    ['container', 'volume', {}],
    ['container', 'volume', { ...volume, storage: 'nas' }],
    ['container', 'volume', { storage: 5, volid: 5 }],
    ['container', 'from', { node: 5 }],
    ['container', 'from', { container: 'x' }],
    ['container', 'from', []],
    ['container', 'warnings', undefined],
    ['container', 'warnings', 'none'],
    ['pitr', 'repository', 'x'],
    ['pitr', 'repository', { label: 5, type: 'full', needs: [] }],
    ['pitr', 'repository', { label: 'x', type: 'full', needs: 'y' }],
    ['database', 'databases', 'psa_platform'],
    ['database', 'databases', [5]],
    ['database', 'version', 15],
    ['database', 'lsn', "0/1'; --"],
    ['database', 'lsn', 5],
    ['database', 'recipients', ['age1x']],
    ['database', 'run', '20261130T020000Z-000000'],
    ['database', 'duration_ms', 'long'],
    ['database', 'at', '2026-11-30T02:00:00+01:00[Europe/Berlin]'],
    ['database', 'at', '2026-11-30T02:00:00+01:00'],
    ['database', 'at', '2026-13-30T02:00:00Z'],
    ['redis', 'recipients', []],
    ['redis', 'tier', ''],
    ['redis', 'site', null],
  ])('of a %s whose %s is %j is damaged, which is named', async (kind, field, value) => {
    const { id } = whole[kind];
    const file = await put({ ...whole[kind], [field]: value }, id);
    await expect(readManifest(file)).rejects.toThrow(`its "${field}" is missing or no such thing`);
    const shelf = await readShelf(dir.path);
    expect(shelf.find((one) => one.id === id)).toMatchObject({ manifest: null });
    expect(shelf.find((one) => one.id === id)?.state).not.toBe('good');
  });
});
