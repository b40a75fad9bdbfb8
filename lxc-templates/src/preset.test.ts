import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tempDir } from '@psa/test-kit/temp-dir';
import { describe, expect, it } from 'vitest';
import { type Definition, loadDefinitions } from './definition.ts';
import { PRESET, presetOf } from './preset.ts';

const all = loadDefinitions();
const BY_ITSELF = ['networking.service', 'prometheus-node-exporter.service'];
const unitsOf = (kind: 'enable' | 'disable', definition: Definition | null): string[] =>
  definition === null ? [] : [...(definition.units?.[kind] ?? []), ...unitsOf(kind, definition.parent)];

/** What systemd itself enables at a first boot, in a folder that has the units of a template and a preset. */
async function firstBoot(definition: Definition, preset: string | null): Promise<string[]> {
  const root = await tempDir('preset');
  try {
    const put = async (path: string, text: string) => {
      await mkdir(dirname(join(root.path, path)), { recursive: true });
      await writeFile(join(root.path, path), text);
    };
    for (const unit of [...unitsOf('enable', definition), ...unitsOf('disable', definition)])
      await put(`usr/lib/systemd/system/${unit}`, '[Install]\nWantedBy=multi-user.target\n');
    // Debian's own, read last.
    await put('usr/lib/systemd/system-preset/90-systemd.preset', 'enable getty@.service\n');
    // As Proxmox VE leaves it in a container of Debian 12.
    await put('etc/systemd/system-preset/00-pve.preset', 'enable container-getty@.service\n');
    if (preset !== null) await put(PRESET, preset);
    execFileSync('systemctl', [`--root=${root.path}`, '--quiet', 'preset-all', '--preset-mode=enable-only'], {
      stdio: 'pipe',
    });
    const wants = join(root.path, 'etc/systemd/system/multi-user.target.wants');
    return (await readdir(wants).catch(() => [])).sort();
  } finally {
    await root.remove();
  }
}

describe('the first boot of a container', () => {
  it.each(all.map((one) => [one.name, one] as const))('%s: nothing but the base runs', async (_, one) => {
    expect(await firstBoot(one, presetOf(one))).toEqual(BY_ITSELF);
  });

  it('without the preset everything that is installed would run', async () => {
    const postgres = all.find(({ name }) => name === 'postgres')!;
    expect(await firstBoot(postgres, null)).toEqual(
      [...BY_ITSELF, 'etcd.service', 'patroni.service', 'pgbouncer.service'].sort(),
    );
  });

  it('a template adds what it enables itself to what its parents do', () => {
    const base = all.find(({ name }) => name === 'base')!;
    expect(presetOf({ ...base, name: 'child', parent: base, units: { enable: ['own.timer'] } })).toBe(
      [
        '# The rest waits for psa-config.',
        ...BY_ITSELF.map((unit) => `enable ${unit}`),
        'enable own.timer',
        'disable *',
        '',
      ].join('\n'),
    );
  });
});
