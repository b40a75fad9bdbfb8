import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Built, build, upToDate } from './build.ts';
import { boot, type RunningContainer } from './container.test-helper.ts';
import { loadDefinitions } from './definition.ts';
import { checksum, fileNames } from './manifest.ts';
import { PRESET } from './preset.ts';
import { configArchive, sha256, tarOf, type Wanted } from './scripts.test-helper.ts';
import { verify } from './verify.ts';

const definitions = loadDefinitions();
const named = (name: string) => definitions.find((one) => one.name === name)!;
const MINUTES = 60_000;

let folder: TempDir;
let output: string;
beforeAll(async () => {
  folder = await tempDir('templates');
  output = folder.path;
});
afterAll(() => folder.remove());

const make = async (names: readonly string[], force = false): Promise<Built[]> => {
  const results = await build(names.map(named), { output, force });
  return results.map((result) => {
    if ('error' in result) throw result.error;
    return result;
  });
};

describe('building', () => {
  it(
    'the same inputs give the same bytes, and are not built again',
    async () => {
      await rm(join(output, fileNames(named('base')).manifest), { force: true });
      const [first] = await make(['base']);
      expect(first!.cached).toBe(false);
      expect(await checksum(first!.file)).toBe(first!.manifest.sha256);
      const [again] = await make(['base']);
      expect(again).toMatchObject({ cached: true, manifest: first!.manifest });
      const [second] = await make(['base'], true);
      expect(second!.cached).toBe(false);
      expect(second!.manifest).toEqual(first!.manifest);
      expect(await checksum(second!.file)).toBe(first!.manifest.sha256);
      expect(Object.keys(first!.manifest.packages)).toEqual(
        expect.arrayContaining(['systemd', 'ifupdown', 'prometheus-node-exporter']),
      );
    },
    10 * MINUTES,
  );

  it(
    'children stand on their parent, and leave nothing behind but archives and manifests',
    async () => {
      const [node, redis] = await make(['node-service', 'redis']);
      const [base] = await make(['base']);
      expect(base!.cached).toBe(true);
      expect(redis!.manifest.parent).toBe(`base-${named('base').version}`);
      expect(redis!.manifest.packages).toMatchObject(base!.manifest.packages);
      expect(node!.manifest.packages).toMatchObject(base!.manifest.packages);
      const names = ['base', 'node-service', 'redis'].flatMap((name) => {
        const { manifest, archive } = fileNames(named(name));
        return [manifest, archive];
      });
      expect((await readdir(output)).sort()).toEqual(['.cache', ...names]);
    },
    10 * MINUTES,
  );

  it(
    'what was built is as it should be',
    async () => {
      for (const name of ['base', 'node-service', 'redis'])
        expect([name, await verify(output, named(name))]).toEqual([name, []]);
    },
    3 * MINUTES,
  );

  it('a broken archive is seen, and one of another definition', async () => {
    const base = named('base');
    expect(await verify(output, named('haproxy'))).toEqual(['it is not built']);
    expect(await verify(output, { ...base, inputs: sha256('other') })).toEqual([
      expect.stringContaining('its definition has changed'),
    ]);
    expect(await upToDate(output, { ...base, inputs: sha256('other') })).toBeNull();
    const file = await open(join(output, fileNames(named('base')).archive), 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, 1_000_000);
    await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, 1_000_000);
    expect(await verify(output, base)).toContain('its checksum is not the one of its manifest');
    await file.write(byte, 0, 1, 1_000_000);
    await file.close();
    expect(await verify(output, base)).toEqual([]);
    await rename(join(output, fileNames(named('base')).manifest), join(output, 'away'));
    expect(await verify(output, base)).toEqual(['its manifest is missing or broken']);
    await rename(join(output, 'away'), join(output, fileNames(named('base')).manifest));
  });
});

const apply = async (container: RunningContainer, wanted: Wanted, env?: Record<string, string>) => {
  const { tar, digest } = await configArchive(wanted, 'root:root');
  return { ...(await container.run('/usr/local/sbin/psa-config apply', tar, env)), digest };
};
const lines = (text: string) => text.split('\n').filter((line) => line !== '');
const runningServices = async (container: RunningContainer) => {
  const list =
    'systemctl list-units --type=service --state=running,failed --no-legend --plain | cut -d" " -f1';
  return lines((await container.run(list)).stdout).sort();
};
const OF_THE_BASE = ['prometheus-node-exporter.service', 'systemd-journald.service'];

describe('before psa-config has run', { timeout: 10 * MINUTES }, () => {
  const after = async (name: string, without: readonly string[], see: (services: string[]) => void) => {
    const container = await boot((await make([name]))[0]!.file, without);
    try {
      see(await runningServices(container));
    } finally {
      await container.stop();
    }
  };

  it.each(['postgres', 'rabbitmq', 'redis', 'haproxy', 'monitoring', 'ops'])(
    'nothing of %s runs, though the boot is that of a new machine',
    (name) => after(name, [], (services) => expect(services).toEqual(OF_THE_BASE)),
  );

  it('it would without the preset', () =>
    after('redis', [PRESET], (services) => expect(services).toContain('redis-server.service')));
});

describe('a container of redis', () => {
  let container: RunningContainer;
  beforeAll(async () => {
    container = await boot((await make(['redis']))[0]!.file);
  }, 5 * MINUTES);
  afterAll(() => container?.stop());

  const wanted = (memory: string): Wanted => ({
    files: {
      '/etc/redis/psa.conf': {
        text: `bind 127.0.0.1\nport 6379\ndir /var/lib/redis\nmaxmemory ${memory}\n`,
        mode: '640',
        owner: 'redis:redis',
      },
      '/etc/systemd/system/redis-server.service.d/psa.conf':
        '[Service]\nExecStart=\nExecStart=/usr/bin/redis-server /etc/redis/psa.conf --supervised systemd --daemonize no\n',
    },
    units: [
      ['prometheus-node-exporter.service', 'restart', '/etc/default/prometheus-node-exporter'],
      ['redis-server.service', 'restart', '/etc/redis/psa.conf'],
    ],
  });
  const memory = async () => lines((await container.run('redis-cli config get maxmemory')).stdout)[1];

  it('boots whole, with nothing that is not asked for', async () => {
    expect((await container.run('systemctl is-system-running')).stdout).toBe('running\n');
    expect(await runningServices(container)).toEqual(OF_THE_BASE);
    expect((await container.run('cat /etc/machine-id')).stdout).toMatch(/^[0-9a-f]{32}$/m);
    expect((await container.run('journalctl -q -n 1 && ls /var/log/journal')).code).toBe(0);
    expect((await container.run('id psa')).stdout).toBe('uid=990(psa) gid=990(psa) groups=990(psa)\n');
  });

  it('psa-config starts Redis with its configuration', async () => {
    const ran = await apply(container, wanted('10mb'));
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(lines(ran.stdout).at(-1)).toBe('started redis-server.service');
    expect((await container.run('redis-cli ping')).stdout).toBe('PONG\n');
    expect(await memory()).toBe('10485760');
    expect(lines((await container.run('/usr/local/sbin/psa-config check')).stdout)).toEqual([
      `digest ${ran.digest}`,
      'unit prometheus-node-exporter.service active',
      'unit redis-server.service active',
    ]);
    expect(await apply(container, wanted('10mb'))).toMatchObject({ code: 0, stdout: '' });
  });

  it('a run that was killed before the restart is made up for', async () => {
    expect((await apply(container, wanted('20mb'), { PSA_CONFIG_KILL: 'unit' })).code).not.toBe(0);
    expect(await memory()).toBe('10485760');
    expect(lines((await container.run('/usr/local/sbin/psa-config check')).stdout)[0]).toBe('digest none');
    expect(lines((await apply(container, wanted('20mb'))).stdout)).toEqual([
      'restarted redis-server.service',
    ]);
    expect(await memory()).toBe('20971520');
  });

  it('what cannot start is told with its own words', async () => {
    const ran = await apply(container, wanted('many'));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('Unable to restart redis-server.service');
    expect(ran.stderr).toContain('maxmemory');
    expect((await apply(container, wanted('30mb'))).code).toBe(0);
    expect(await memory()).toBe('31457280');
  });
});

// Says what it may do, and answers.
const PROBE = `
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
const tried = (work) => { try { work(); return 'done'; } catch (error) { return error.code; } };
const status = Object.fromEntries(readFileSync('/proc/self/status', 'utf8').split('\\n').map((line) => line.split(':\\t')));
const answer = {
  version: process.version,
  setting: process.env.SETTING,
  uid: process.getuid(),
  etc: tried(() => writeFileSync('/etc/psa/x', '')),
  release: tried(() => appendFileSync(process.argv[1], '//')),
  own: tried(() => writeFileSync('/var/lib/psa/x', '')),
  tmp: tried(() => writeFileSync('/tmp/only-mine', '')),
  env: tried(() => readFileSync('/etc/psa/probe.env')),
  scripts: tried(() => readFileSync('/usr/local/sbin/psa-config')),
  init: tried(() => readFileSync('/proc/1/status')),
  mount: spawnSync('/usr/bin/mount', ['-t', 'tmpfs', 'x', '/tmp']).status,
  unshare: spawnSync('/usr/bin/unshare', ['--user', 'true']).status,
  capabilities: status.CapEff, bounding: status.CapBnd, noNewPrivileges: status.NoNewPrivs, seccomp: status.Seccomp,
};
createServer((_, response) => response.end(JSON.stringify(answer))).listen(3000, '127.0.0.1');
`;

describe('a container of node-service', () => {
  let container: RunningContainer;
  beforeAll(async () => {
    container = await boot((await make(['node-service']))[0]!.file);
  }, 5 * MINUTES);
  afterAll(() => container?.stop());

  const release = async (version: string) => {
    const files: Record<string, string> = { VERSION: `${version}\n`, 'services/probe/main.mjs': PROBE };
    const place = await tempDir('release');
    await mkdir(join(place.path, 'services/probe'), { recursive: true });
    for (const [path, text] of Object.entries(files)) await writeFile(join(place.path, path), text);
    const sums = Object.entries(files).map(([path, text]) => `${sha256(text)}  ${path}\n`);
    await writeFile(join(place.path, 'SHA256SUMS'), sums.join(''));
    const archive = zstdCompressSync(await tarOf(place.path, ['.']));
    await place.remove();
    return archive;
  };
  const wanted = (setting: string): Wanted => ({
    files: { '/etc/psa/probe.env': { text: `SETTING=${setting}\n`, mode: '600' } },
    units: [['psa@probe.service', 'restart', '/etc/psa/probe.env']],
  });
  const ask = async () => {
    const get = 'curl -s --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:3000';
    return JSON.parse((await container.run(get)).stdout) as Record<string, unknown>;
  };

  it('without a release the service does not start, and says why', async () => {
    const ran = await apply(container, wanted('one'));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('Unable to start psa@probe.service');
    expect(ran.stderr).toContain('Assertion failed for psa@probe.service');
  });

  it('runs a release, and the service may do only what it must', async () => {
    expect(
      await container.run('/usr/local/sbin/psa-release install 0.1.0', await release('0.1.0')),
    ).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^(installed|there) 0\.1\.0\n$/),
    });
    await container.run('/usr/local/sbin/psa-release switch 0.1.0');
    expect((await apply(container, wanted('one'))).code).toBe(0);
    expect(await ask()).toEqual({
      version: process.version,
      setting: 'one',
      uid: 990,
      etc: 'EROFS',
      release: 'EACCES',
      own: 'done',
      tmp: 'done',
      env: 'EACCES',
      scripts: 'EACCES',
      init: 'ENOENT',
      mount: expect.not.toBeOneOf([0]),
      unshare: expect.not.toBeOneOf([0]),
      capabilities: '0000000000000000',
      bounding: '0000000000000000',
      noNewPrivileges: '1',
      seccomp: '2',
    });
    expect((await container.run('ls /tmp')).stdout).not.toContain('only-mine');
  });

  it('is restarted with a new setting, and by itself when it is killed', async () => {
    expect(lines((await apply(container, wanted('two'))).stdout)).toEqual([
      'installed /etc/psa/probe.env',
      'restarted psa@probe.service',
    ]);
    expect(await ask()).toMatchObject({ setting: 'two' });
    await container.run('systemctl kill --signal=KILL psa@probe.service');
    expect(await ask()).toMatchObject({ setting: 'two' });
  });

  it('keeps releases beside each other', async () => {
    await container.run('/usr/local/sbin/psa-release install 0.2.0', await release('0.2.0'));
    expect(
      (await container.run('/usr/local/sbin/psa-release list; /usr/local/sbin/psa-release current')).stdout,
    ).toBe('0.1.0\n0.2.0\n0.1.0\n');
    await container.run('/usr/local/sbin/psa-release switch 0.2.0');
    expect((await container.run('/usr/local/sbin/psa-release prune 1')).stdout).toBe('removed 0.1.0\n');
  });
});
