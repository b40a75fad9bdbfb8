// `npm run lock`: makes package-lock.json anew after package.json changed, and completes it.
//
// Every entry says where its archive stands below the registry, whichever that is (`replace-registry-host` in .npmrc):
// without it npm fetches the list of all versions of each package first, more bytes than the packages themselves (one of
// them 51 MB). The host is a name that never leads anywhere.
//
// npm lists of a package's variants for other systems only those that it has met, and `npm ci` afterwards refuses that
// very file ("Missing: … from lock file"). What it left out is asked of the registry: with its digest, because npm takes
// an entry without one as it comes, and with its system, because npm takes an entry without one for ours.
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const LOCK = fileURLToPath(new URL('../package-lock.json', import.meta.url));

/** In .npmrc, too. */
const REGISTRY = 'https://packages.invalid';

interface LockedPackage {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  inBundle?: boolean;
  dev?: boolean;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
}
type LockedPackages = Record<string, LockedPackage>;

interface Missing {
  readonly path: string;
  readonly version: string;
  /** Whether only tools for development ask for it. */
  readonly dev: boolean;
}

/** Optional dependencies that a lock file names but does not list. */
export function missingOptional(packages: LockedPackages): Missing[] {
  const missing = new Map<string, Missing>();
  for (const [owner, { optionalDependencies = {}, dev = false }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const path = join('node_modules', name);
      if (packages[join(owner, path)] || packages[path]) continue;
      missing.set(path, { path, version, dev: dev && (missing.get(path)?.dev ?? true) });
    }
  }
  return [...missing.values()];
}

const isFromRegistry = ([path, { link, inBundle }]: [string, LockedPackage]) =>
  path.includes('node_modules/') && !link && !inBundle;

const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Where the archive of a package stands, by the layout that every registry of npm's kind has. */
function archiveOf(path: string, version: string): string {
  const name = nameOf(path);
  return `${REGISTRY}/${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`;
}

/** Packages that npm would ask for the list of all their versions. */
export const withoutArchive = (packages: LockedPackages): string[] =>
  Object.entries(packages)
    .filter(isFromRegistry)
    .filter(([path, { version, resolved }]) => resolved !== archiveOf(path, version!))
    .map(([path]) => path);

/** Packages from the registry whose bytes a lock file does not pin. */
export const withoutIntegrity = (packages: LockedPackages): string[] =>
  Object.entries(packages)
    .filter(isFromRegistry)
    .filter(([, { integrity }]) => !integrity)
    .map(([path]) => path);

/** What the registry says of a package. */
interface Answer {
  readonly 'dist.integrity'?: string;
  readonly cpu?: readonly string[];
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
  readonly license?: string;
  readonly engines?: Readonly<Record<string, string>>;
}

/** The entry of a package that npm left out. @throws when the registry has no digest of it */
export function entryOf({ path, version, dev }: Missing, answer: Answer): LockedPackage {
  const { 'dist.integrity': integrity, cpu, os, libc, license, engines } = answer;
  const name = nameOf(path);
  if (!integrity)
    throw new Error(
      `Unable to complete package-lock.json: the registry has no digest of ${name}@${version}, so anything could be put in its place. Take another version of what asks for it.`,
    );
  return {
    version,
    integrity,
    ...(cpu && { cpu }),
    ...(dev && { dev }),
    ...{ license, optional: true },
    ...(os && { os }),
    ...(libc && { libc }),
    ...(engines && { engines }),
  };
}

async function ask({ path, version }: Missing): Promise<Answer> {
  const name = nameOf(path);
  const fields = ['dist.integrity', 'cpu', 'os', 'libc', 'license', 'engines'];
  const args = ['view', `${name}@${version}`, ...fields, '--json'];
  const { stdout } = await promisify(execFile)('npm', args);
  return JSON.parse(stdout);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const done = spawnSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
  const lock = JSON.parse(readFileSync(LOCK, 'utf8'));
  // An entry that was completed before there were digests.
  for (const path of withoutIntegrity(lock.packages))
    if (lock.packages[path].optional) delete lock.packages[path];
  const missing = missingOptional(lock.packages);
  for (const one of missing) lock.packages[one.path] = entryOf(one, await ask(one));
  for (const [path, one] of Object.entries<LockedPackage>(lock.packages).filter(isFromRegistry)) {
    const { version, resolved: _, ...rest } = one;
    lock.packages[path] = { version, resolved: archiveOf(path, version!), ...rest };
  }
  const { '': root, ...others } = lock.packages;
  const sorted = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = { '': root, ...Object.fromEntries(sorted) };
  writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${sorted.length} packages, ${missing.length} completed.`);
}
