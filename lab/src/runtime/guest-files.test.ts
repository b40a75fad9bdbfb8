import { lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guestFiles, writeGuestFiles } from './guest-files.ts';
import { forgetMachine } from './machine-id.ts';
import { specOf } from './runtime.contract.ts';

let rootfs: string;
beforeEach(async () => {
  rootfs = await mkdtemp(join(tmpdir(), 'psa-guest-'));
});
afterEach(() => rm(rootfs, { recursive: true, force: true }));

const put = async (path: string, text: string) => {
  await mkdir(dirname(join(rootfs, path)), { recursive: true });
  await writeFile(join(rootfs, path), text);
};
const text = (path: string) => readFile(join(rootfs, path), 'utf8').catch(() => null);

describe('what is written into a container before it starts', () => {
  const spec = specOf('pve1', 101, '/');

  it('its cards, which its own ifupdown sets up', () => {
    const manual = { ...spec.cards[0]!, name: 'eth1', address: null, gateway: null };
    const files = guestFiles({ ...spec, cards: [...spec.cards, manual] }, '');
    expect(files.get('etc/network/interfaces')).toBe(
      [
        'auto lo',
        'iface lo inet loopback',
        '',
        'auto eth0',
        'iface eth0 inet static',
        '\taddress 10.0.20.101/24',
        '\tgateway 10.0.20.1',
        '',
        'auto eth1',
        'iface eth1 inet manual',
        '',
      ].join('\n'),
    );
  });

  it('its names: a section of its own, and what else is there stays', () => {
    const own = (...lines: string[]) => ['# --- BEGIN PVE ---', ...lines, '# --- END PVE ---', ''].join('\n');
    const local = ['127.0.0.1 localhost.localnet localhost', '::1 localhost.localnet localhost'];
    const name = '10.0.20.101 ct101.psa.internal ct101';
    const hosts = (before: string) => guestFiles(spec, before).get('etc/hosts');
    expect(hosts('')).toBe(own(...local, name));
    expect(hosts(own(...local, '10.9.9.9 old'))).toBe(own(...local, name));
    const around = (section: string) => `127.0.0.1 localhost\n${section}192.0.2.1 other\n`;
    expect(hosts(around(own('10.9.9.9 old')))).toBe(around(own(local[1]!, name)));
    expect(hosts('127.0.0.1 localhost\n')).toBe(`127.0.0.1 localhost\n${own(local[1]!, name)}`);
  });

  it('presets where systemd is, and no identity', async () => {
    await put('usr/lib/systemd/systemd', '');
    await mkdir(join(rootfs, 'sbin'));
    await symlink('/lib/systemd/systemd', join(rootfs, 'sbin/init'));
    await writeGuestFiles(specOf('pve1', 101, rootfs));
    expect(await text('etc/hostname')).toBe('ct101\n');
    expect(await text('etc/systemd/system-preset/00-pve.preset')).toContain(
      'disable systemd-networkd.service',
    );
    expect(await text('etc/machine-id')).toBeNull();
  });
});

describe('the identity of a container', () => {
  it('goes when it is made from a template, and is emptied when it is a clone', async () => {
    await put('etc/machine-id', 'f'.repeat(32));
    await put('var/lib/dbus/machine-id', 'f'.repeat(32));
    await forgetMachine(rootfs, 'clone');
    expect([await text('etc/machine-id'), await text('var/lib/dbus/machine-id')]).toEqual(['\n', null]);
    await put('etc/machine-id', 'uninitialized\n');
    await forgetMachine(rootfs, 'clone');
    expect(await text('etc/machine-id')).toBe('uninitialized\n');
    await forgetMachine(rootfs, 'template');
    await forgetMachine(rootfs, 'template');
    expect(await text('etc/machine-id')).toBeNull();
    await forgetMachine(rootfs, 'clone');
    expect(await text('etc/machine-id')).toBeNull();
  });

  it('is not looked for outside of it', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'psa-outside-'));
    try {
      await writeFile(join(outside, 'machine-id'), 'the machine itself\n');
      await symlink(outside, join(rootfs, 'etc'));
      await expect(forgetMachine(rootfs, 'template')).rejects.toThrow("'etc' is no folder");
      await expect(forgetMachine(rootfs, 'clone')).rejects.toThrow("'etc' is no folder");
      expect((await lstat(join(outside, 'machine-id'))).size).toBe(19);
    } finally {
      await rm(outside, { recursive: true });
    }
  });
});
