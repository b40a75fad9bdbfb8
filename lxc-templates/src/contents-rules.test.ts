import { describe, expect, it } from 'vitest';
import type { Entry } from './archive.ts';
import { forbidden } from './contents-rules.ts';
import { loadDefinitions } from './definition.ts';
import { PRESET, presetOf } from './preset.ts';
import { contentProblems } from './verify.ts';

describe('what may not be in an archive', () => {
  it.each([
    'etc/ssh/ssh_host_ed25519_key',
    'var/lib/postgresql/15/main',
    'etc/ssl/private/ssl-cert-snakeoil.key',
    'var/lib/rabbitmq/.erlang.cookie',
    'var/lib/rabbitmq/mnesia',
    'var/log/dpkg.log',
    'var/cache/ldconfig/aux-cache',
    'var/lib/dbus/machine-id',
    'var/lib/systemd/random-seed',
    'etc/apt/sources.list.d/debian.sources',
    'etc/resolv.conf',
    'etc/shadow-',
    'var/lib/dpkg/status-old',
    'usr/share/doc/curl/README.gz',
    'dev/null',
    'tmp/x',
    'root/.bash_history',
  ])('%s', (path) => {
    expect(forbidden(path, 'file', 10)).not.toBeNull();
  });

  it.each([
    'etc/shadow',
    'var/lib/dpkg/status',
    'usr/share/doc/curl/copyright',
    'var/cache/debconf/config.dat',
    'etc/ssl/certs/ca-certificates.crt',
    'usr/lib/postgresql/15/bin/postgres',
    'var/lib/postgresql',
    'etc/apt/apt.conf.d/01autoremove',
  ])('but %s may be', (path) => {
    expect(forbidden(path, 'file', 10)).toBeNull();
  });

  it('folders of logs and caches stay, and an empty machine-id', () => {
    expect(forbidden('var/log/postgresql', 'folder', 0)).toBeNull();
    expect(forbidden('var/cache/apt', 'folder', 0)).toBeNull();
    expect(forbidden('etc/machine-id', 'file', 0)).toBeNull();
    expect(forbidden('etc/machine-id', 'file', 33)).not.toBeNull();
  });
});

describe('the content of an archive', () => {
  const definition = loadDefinitions().find(({ name }) => name === 'node-service')!;
  const entry = (path: string, more: Partial<Entry> = {}): Entry => ({
    path,
    kind: 'file',
    mode: 'rw-r--r--',
    owner: '0/0',
    size: 10,
    mtime: definition.epoch,
    ...more,
  });
  const good = [
    entry('etc/machine-id', { size: 0 }),
    entry(PRESET.slice(1), { size: presetOf(definition).length }),
    ...[...definition.files, ...definition.parent!.files].map(({ path, executable }) =>
      entry(path.slice(1), executable ? { mode: 'rwxr-xr-x' } : {}),
    ),
  ];

  it('is as it should be', () => {
    expect(contentProblems(good, definition)).toEqual([]);
  });

  it.each([
    [
      'a key',
      [...good, entry('etc/ssh/ssh_host_rsa_key')],
      '/etc/ssh/ssh_host_rsa_key is in it: an ssh host key',
    ],
    [
      'a time',
      [...good, entry('etc/x', { mtime: definition.epoch + 1 })],
      '/etc/x has the time of the build',
    ],
    ['no machine-id', good.slice(1), '/etc/machine-id is missing or not empty'],
    [
      'no preset',
      good.filter(({ path }) => path !== PRESET.slice(1)),
      `${PRESET} is missing or another: every unit would start at a container's first boot`,
    ],
    [
      'no program',
      good.filter(({ path }) => !path.endsWith('psa-config')),
      '/usr/local/sbin/psa-config is missing',
    ],
    [
      'a program of somebody else',
      good.map((one) => (one.path.endsWith('psa-config') ? { ...one, owner: '1000/1000' } : one)),
      '/usr/local/sbin/psa-config belongs to 1000/1000',
    ],
    [
      'a program that cannot be run',
      good.map((one) => (one.path.endsWith('bin/node') ? { ...one, mode: 'rw-r--r--' } : one)),
      '/opt/psa/node/bin/node has the mode rw-r--r--',
    ],
  ])('is not: %s', (_, entries, problem) => {
    expect(contentProblems(entries, definition)).toEqual([problem]);
  });
});
