import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { expand, siteOf } from '../inventory/expand.ts';
import type { Contents } from '../parts/part.ts';
import { expectGoldens } from '../render/golden.test-helper.ts';
import { contentsArchive } from './archive.ts';
import { contentsOf } from './contents.ts';
import { knownSecrets } from './secrets.test-helper.ts';
import { newSecrets, secretNames } from './secrets.ts';

const inventory = example();
const site = siteOf(inventory);
const containers = expand(inventory, site);
const secrets = knownSecrets(inventory);
const contents = (name: string): Contents =>
  contentsOf(inventory, site, containers.find((one) => one.name === name)!, secrets);
const textOf = (name: string, path: string) => contents(name).files.find((file) => file.path === path)!.text;

describe('what stands in the containers', () => {
  it('follows from the example inventory', async () => {
    const shown = containers
      // HAProxy and Prometheus have golden files of their own.
      .filter((one) => one.number === 1 && !['haproxy', 'monitoring'].includes(one.group))
      .map((one) => one.name);
    const goldens = [...shown, 'psa-postgres-2'].flatMap((name) => {
      const { manifest, units } = contentsArchive(contents(name));
      return [
        { path: `${name}/manifest`, text: manifest },
        { path: `${name}/units`, text: units },
        ...contents(name).files.map((file) => ({
          path: `${name}${file.path}`,
          // Nobody who looks for keys shall find one here, be it a test's.
          text: file.text.includes('PRIVATE KEY') ? 'A private key of OpenSSH.\n' : file.text,
        })),
      ];
    });
    await expectGoldens('libs/appliance/golden', goldens);
  });

  it('is one list of files and units for each container, without doubles', () => {
    for (const container of containers) {
      const { files, units } = contentsOf(inventory, site, container, secrets);
      const paths = files.map((file) => file.path);
      expect(new Set(paths).size, container.name).toBe(paths.length);
      for (const path of paths) expect(path).toMatch(/^\/[\w./@-]+$/);
      const used = units.flatMap((unit) => unit.paths);
      expect(used.filter((path) => !paths.includes(path))).toEqual([]);
      expect(units.length, container.name).toBeGreaterThan(1);
    }
  });

  it('keeps every secret in a file that only its reader can open', () => {
    const values = Object.values(secrets);
    for (const container of containers)
      for (const file of contentsOf(inventory, site, container, secrets).files) {
        if (!values.some((value) => file.text.includes(value.trim()))) continue;
        expect([file.path, file.mode & 0o077, file.secret]).toEqual([file.path, 0, true]);
      }
  });

  it('leaves what Redis, Sentinel, Patroni and etcd write themselves to them', () => {
    const rewritten = ['/var/lib/redis/psa-redis.conf', '/var/lib/redis/psa-sentinel.conf'];
    const paths = containers.flatMap((one) => contents(one.name).files.map((file) => file.path));
    expect(
      paths.filter((path) => rewritten.includes(path) || path.startsWith('/var/lib/postgresql')),
    ).toEqual([]);
  });

  it('names the secret that is missing', () => {
    expect(() => contentsOf(inventory, site, containers.find((one) => one.group === 'redis')!, {})).toThrow(
      /secret "redis" is missing/,
    );
    const fresh = newSecrets(secretNames(inventory));
    expect(() => contentsOf(inventory, site, containers[0]!, fresh)).toThrow(/"tls_pem" is not set/);
    const all = { ...fresh, tls_pem: 'x' };
    for (const container of containers) contentsOf(inventory, site, container, all);
  });

  it('makes other secrets each time', () => {
    const [one, two] = [newSecrets(['redis', 'field_key']), newSecrets(['redis', 'field_key'])];
    expect(one.field_key).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set([one.redis, one.field_key, two.redis, two.field_key]).size).toBe(4);
  });
});

describe('settings of the services', () => {
  const settingsOf = (name: string, service: string) =>
    Object.fromEntries(
      textOf(name, `/etc/psa/${service}.env`)
        .split('\n')
        .filter((line) => line.includes('=') && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );

  it('lead to the database by its role, to the broker and the cache by all members', () => {
    expect(settingsOf('psa-tickets-2', 'tickets')).toMatchObject({
      HOST: '0.0.0.0',
      PORT: '3000',
      PUBLIC_URL: 'https://psa.example.com',
      DATABASE_PREPARE: 'false',
      REDIS_SENTINELS: '10.0.30.30:26379,10.0.30.31:26379,10.0.30.32:26379',
      REDIS_MASTER: 'psa',
    });
  });

  it('give the gateway no database, and every service by the edge', () => {
    const gateway = settingsOf('psa-gateway-1', 'gateway');
    expect(Object.keys(gateway).filter((name) => /DATABASE|RABBIT|FIELD/.test(name))).toEqual([]);
    expect(gateway.UPSTREAMS).toContain('tickets=http://10.0.40.10:3003');
    expect(gateway.TRUSTED_PROXIES).toBe('10.0.40.11,10.0.40.12,10.0.40.10');
  });

  it('take further settings from the inventory, and mail when its password is there', () => {
    const changed = example();
    changed.services.find((one) => one.name === 'auth')!.settings = {
      LOG_LEVEL: 'debug',
      MOTTO: 'say "hi" to $HOME',
    };
    const auth = expand(changed, siteOf(changed)).find((one) => one.group === 'auth')!;
    const text = (more: object) =>
      contentsOf(changed, siteOf(changed), auth, { ...secrets, ...more }).files.find((file) =>
        file.path.endsWith('auth.env'),
      )!.text;
    expect(text({})).toContain('LOG_LEVEL=debug\nMOTTO="say \\"hi\\" to \\$HOME"\n');
    expect(text({ mail_password: 'a@b' })).toContain(
      'SMTP_URL=smtp://psa%40example.com:a%40b@mail.example.com:587',
    );
    expect(text({ mail_password: '' })).not.toContain('SMTP_URL');
  });
});

describe('the archive of contents', () => {
  it('is a tar with manifest, units and files, and the same each time', () => {
    const archive = contentsArchive(contents('psa-redis-1'));
    expect(contentsArchive(contents('psa-redis-1')).tar.equals(archive.tar)).toBe(true);
    const folder = mkdtempSync(join(tmpdir(), 'psa-contents-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'a.tar'), archive.tar);
    execFileSync('tar', ['-xf', 'a.tar'], { cwd: folder });
    expect(readdirSync(folder).sort()).toEqual(['a.tar', 'files', 'manifest', 'units']);
    const [manifest, units] = [join(folder, 'manifest'), join(folder, 'units')].map((path) =>
      readFileSync(path),
    ) as [Buffer, Buffer];
    const digest = createHash('sha256').update(manifest).update(units).digest('hex');
    expect(digest).toBe(archive.digest);
    for (const line of String(manifest).trimEnd().split('\n')) {
      const [sum, mode, owner, path] = line.split('\t') as [string, string, string, string];
      const text = readFileSync(join(folder, 'files', path));
      expect([path, createHash('sha256').update(text).digest('hex')]).toEqual([path, sum]);
      expect(mode).toMatch(/^[0-7]{3}$/);
      expect(owner).toMatch(/^[a-z]+:[a-z]+$/);
    }
  });
});
