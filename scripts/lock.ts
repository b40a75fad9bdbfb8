// `npm run lock`: makes package-lock.json anew after package.json changed, and completes it.
//
// A mirror of the npm registry may lack packages for systems other than Linux on x64. npm then leaves them out of
// the lock file, and `npm ci` afterwards refuses that very file ("Missing: … from lock file"). They are optional and
// are never installed here, so their name, version, system and processor are all that npm needs to know.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOCK = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = [
  'x64',
  'arm64',
  'ia32',
  'arm',
  'ppc64',
  's390x',
  'riscv64',
  'loong64',
  'mips64el',
  'wasm32',
];

interface LockedPackage {
  version?: string;
  optionalDependencies?: Record<string, string>;
}
type LockedPackages = Record<string, LockedPackage>;

/**
 * Optional dependencies that a lock file names but does not list.
 */
export function missingOptional(packages: LockedPackages): { path: string; version: string }[] {
  const missing = new Map<string, string>();
  for (const [owner, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const top = join('node_modules', name);
      if (!packages[join(owner, 'node_modules', name)] && !packages[top]) missing.set(top, version);
    }
  }
  return [...missing].map(([path, version]) => ({ path, version }));
}

function entry({ path, version }: { path: string; version: string }) {
  const words = path.split(/[/-]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor)).slice(0, 1);
  if (os.length !== 1 || !/^\d+\.\d+\.\d+\S*$/.test(version)) {
    throw new Error(
      `Unable to complete package-lock.json: ${path}@${version} is no package for another system.`,
    );
  }
  return { version, cpu, dev: true, optional: true, os };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const done = spawnSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
  const lock = JSON.parse(readFileSync(LOCK, 'utf8'));
  const missing = missingOptional(lock.packages);
  for (const one of missing) lock.packages[one.path] = entry(one);
  const { '': root, ...others } = lock.packages;
  const sorted = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = { '': root, ...Object.fromEntries(sorted) };
  writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${sorted.length} packages, ${missing.length} completed.`);
}
