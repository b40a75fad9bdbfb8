import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { PROGRAM_NAMES } from '../libs/contracts/src/services.ts';

/** A file of the repository: its path from the root and its text. */
export interface RepoFile {
  readonly path: string;
  readonly text: string;
}

/** What is wrong and where. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

/** A rule over the whole repository. `planted` is a file (or several) that must make it fire. */
export interface Guard {
  readonly name: string;
  check(files: readonly RepoFile[]): Violation[];
  readonly planted: readonly RepoFile[];
}

const TEXT = /\.(ts|tsx|mjs|js|json|md|sql|css|html|sh|yml|yaml|svg)$|(^|\/)(run|psactl)$|\.npmrc$/;

/** Every text file that git tracks or would track, but this one: its planted violations are text. */
export function repoFiles(root: string): RepoFile[] {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter(
      (path) =>
        path !== '' &&
        !['package-lock.json', 'scripts/repo-guards.ts'].includes(path) &&
        TEXT.test(path) &&
        existsSync(`${root}/${path}`),
    )
    .map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') }));
}

const isCode = (file: RepoFile) => /\.(ts|tsx|mjs)$/.test(file.path);
const isTest = (path: string) => /\.test\.tsx?$|\.contract\.ts$|\.test-helper\.ts$/.test(path);
/** A violation for each wanted file that `message` has something to say of. */
export const find = (
  files: readonly RepoFile[],
  wanted: (file: RepoFile) => boolean,
  message: (file: RepoFile) => string | null,
) =>
  files.filter(wanted).flatMap((file) => {
    const text = message(file);
    return text === null ? [] : [{ path: file.path, message: text }];
  });

// ── Who may import whom ──────────────────────────────────────────────────────

/** Package folder → the `@psa` packages, or single modules of one, that it may import (STYLE: "Who may import whom"). Tests may also import test-kit. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'libs/contracts': [],
  'libs/domain': ['contracts'],
  'libs/infra': ['contracts', 'domain'],
  'libs/service-kit': ['contracts', 'domain', 'infra/patience', 'infra/postgres-client'],
  'libs/test-kit': ['contracts', 'domain', 'infra', 'service-kit'],
  // The inventory and what is rendered from it; the client of the cluster. Neither knows the platform's services.
  'libs/appliance': ['contracts', 'domain', 'infra/files/durable'],
  'libs/proxmox': [],
  // What is kept of backups, and how they are made, read back and restored.
  'libs/recovery': ['infra'],
  'services/*': ['contracts', 'domain', 'infra', 'service-kit'],
  // Components, styles, charts and texts, of whatever the page is about. How texts are compared is one rule for all.
  'portals/ui': ['contracts', 'domain/text'],
  // Between the components and the pages: session, client, live stream, what both portals read.
  'portals/app': ['contracts', 'ui'],
  'portals/e2e': ['test-kit', 'technician', 'customer'],
  'portals/*': ['contracts', 'ui', 'app'],
  // The stand-in for a cluster on one machine.
  lab: ['contracts', 'appliance', 'proxmox'],
  'lxc-templates': [],
  cli: ['contracts', 'domain', 'infra', 'appliance', 'proxmox', 'recovery', 'lab', 'lxc-templates'],
  // The composition of everything into one process, and what measures it.
  embedded: ['contracts', 'domain', 'infra', 'service-kit', ...PROGRAM_NAMES],
  bench: [
    'contracts',
    'domain',
    'infra',
    'service-kit',
    'test-kit',
    ...PROGRAM_NAMES,
    'embedded',
    // The lab, and the inventory that it is made from.
    'appliance',
    'lab',
  ],
  scripts: ['contracts', 'domain', 'infra', 'appliance'],
};
/** Tests run on the real neighbours. */
const TESTS_MAY_IMPORT = ['test-kit', 'infra', 'service-kit'];
/** contracts carries types across every border, so it stands on nothing but TypeBox (and Node's stream type). */
const CONTRACTS_EXTERNAL = ['typebox', 'node:stream'];

export function importsOf(text: string): string[] {
  const found = text.matchAll(
    /(?:^|[^.\w])(?:import|export)\s(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? '');
}

function packageOf(path: string): string {
  const [first, second] = path.split('/') as [string, string?];
  return ['libs', 'services', 'portals'].includes(first) ? `${first}/${second}` : first;
}

function allowedFor(pkg: string): readonly string[] | undefined {
  return MAY_IMPORT[pkg] ?? MAY_IMPORT[`${pkg.split('/')[0]}/*`];
}

const imports: Guard = {
  name: 'packages import only what the table allows',
  check: (files) =>
    files.filter(isCode).flatMap((file) => {
      const pkg = packageOf(file.path);
      const allowed = allowedFor(pkg);
      if (!allowed) return [];
      const self = pkg.split('/').at(-1);
      return importsOf(file.text).flatMap((name): Violation[] => {
        const bad = (message: string) => [{ path: file.path, message }];
        if (name.startsWith('.')) {
          const target = packageOf(posix.normalize(posix.join(posix.dirname(file.path), name)));
          return target === pkg ||
            (isTest(file.path) && target === 'scripts') ||
            file.path.endsWith('vite.config.ts')
            ? []
            : bad(`reaches into ${target} by a relative path (${name})`);
        }
        const inner = /^@psa\/([^/]+)/.exec(name)?.[1];
        if (inner) {
          // A test may compose: the real neighbours are the point of an end-to-end test.
          const fine =
            inner === self ||
            [inner, name.slice('@psa/'.length)].some((one) => allowed.includes(one)) ||
            (isTest(file.path) && (TESTS_MAY_IMPORT.includes(inner) || pkg === 'embedded'));
          return fine ? [] : bad(`${pkg} may not import @psa/${inner}`);
        }
        if (pkg === 'libs/contracts' && !isTest(file.path) && !CONTRACTS_EXTERNAL.includes(name))
          return bad(`contracts may not import ${name}`);
        return [];
      });
    }),
  planted: [{ path: 'services/crm/src/x.ts', text: "import { y } from '@psa/tickets/app';" }],
};

// ── Layout ───────────────────────────────────────────────────────────────────

const TOP_FOLDERS = [
  '.ci',
  'ansible',
  'backup',
  'bench',
  'cli',
  'docs',
  'embedded',
  'haproxy',
  'lab',
  'libs',
  'lxc-templates',
  'monitoring',
  'pfsense',
  'portals',
  'scripts',
  'services',
];

const layout: Guard = {
  name: 'only the folders of the map stand at the top',
  check: (files) =>
    find(
      files,
      (file) => file.path.includes('/') && !TOP_FOLDERS.includes(file.path.split('/')[0]!),
      (file) => `${file.path.split('/')[0]}/ is not on the map in ARCHITECTURE.md`,
    ),
  planted: [{ path: 'misc/x.ts', text: '' }],
};

const names: Guard = {
  name: 'files are kebab-case, components PascalCase',
  check: (files) =>
    find(
      files,
      (file) => /\.(ts|tsx|mjs)$/.test(file.path),
      (file) => {
        const name = posix.basename(file.path);
        const fine = file.path.endsWith('.tsx')
          ? /^([A-Z][A-Za-z0-9]*|[a-z0-9]+(-[a-z0-9]+)*)(\.[a-z0-9-]+)*\.tsx$/
          : /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|mjs)$/;
        return fine.test(name) ? null : 'is not named in kebab-case (PascalCase for components)';
      },
    ),
  planted: [{ path: 'libs/domain/src/slaClock.ts', text: '' }],
};

/** What `npm run golden` makes of a service's sources. */
const WRITTEN = ['openapi.json', 'schema.sql'];
const HOW = 'see "Adding a service" in CONTRIBUTING.md';

const services: Guard = {
  name: 'a service has its parts: its facts in contracts, package, main, app, and its API and tables as golden files',
  check: (files) => {
    const paths = new Set(files.map((file) => file.path));
    const all = new Set(
      files.map((file) => /^services\/([^/]+)\//.exec(file.path)?.[1]).filter((name) => name !== undefined),
    );
    const known: readonly string[] = PROGRAM_NAMES;
    const strangers = [...all]
      .filter((name) => !known.includes(name))
      .map((name) => ({
        path: `services/${name}`,
        message: `is not in libs/contracts/src/services.ts; ${HOW}`,
      }));
    const parts = PROGRAM_NAMES.flatMap((name) =>
      // The gateway's document is the sum of the others'.
      ['package.json', 'src/main.ts', 'src/app.ts', ...(name === 'gateway' ? [] : WRITTEN)]
        .filter((part) => !paths.has(`services/${name}/${part}`))
        .map((part) => ({
          path: `services/${name}`,
          message: `lacks ${part}; ${WRITTEN.includes(part) ? '`npm run golden` writes it' : HOW}`,
        })),
    );
    // What CONTRIBUTING lists under "Adding a service", as far as every service needs it.
    const mentions = PROGRAM_NAMES.flatMap((name) =>
      [
        { path: 'embedded/package.json', where: RegExp(`"@psa/${name}"`) },
        ...(name === 'gateway'
          ? []
          : [{ path: 'embedded/src/definitions.ts', where: RegExp(`'@psa/${name}/app'`) }]),
        { path: 'ARCHITECTURE.md', where: RegExp(`^\\| \`services/\\*\` .*\\b${name}\\b`, 'm') },
      ]
        .filter(({ path, where }) => !files.some((file) => file.path === path && where.test(file.text)))
        .map(({ path }) => ({ path, message: `does not name ${name}; ${HOW}` })),
    );
    return [...strangers, ...parts, ...mentions];
  },
  planted: [{ path: 'services/half/src/app.ts', text: '' }],
};

const length: Guard = {
  name: 'no file over 450 lines',
  check: (files) =>
    find(
      files,
      (file) => /\.(ts|tsx|mjs|sql|css)$/.test(file.path) && !file.path.endsWith('/schema.sql'),
      (file) => {
        const lines = file.text.split('\n').length;
        return lines > 450 ? `has ${lines} lines; split it by what it does` : null;
      },
    ),
  planted: [{ path: 'cli/src/long.ts', text: '\n'.repeat(500) }],
};

// ── What code may do ─────────────────────────────────────────────────────────

/** Where the environment is read: entry points, and tools that no service imports. */
const READS_ENV =
  /(^|\/)(main|config)\.ts$|^scripts\/|^bench\/|^portals\/e2e\/|^libs\/test-kit\/|^cli\/src\/|\.test\.tsx?$|\.test-helper\.ts$|vite(st)?\.config\.ts$|vite-portal\.ts$|^libs\/infra\/src\/postgres-server\.ts$/;

const environment: Guard = {
  name: 'only entry points read the environment',
  check: (files) =>
    find(
      files,
      (file) => isCode(file) && !READS_ENV.test(file.path),
      (file) => (/\bprocess\.env\b/.test(strip(file.text)) ? 'reads process.env' : null),
    ),
  planted: [{ path: 'services/crm/src/customers/service.ts', text: 'const a = process.env.HOME;' }],
};

const purity: Guard = {
  name: 'domain code is pure: no clock, no chance, no I/O',
  check: (files) =>
    find(
      files,
      (file) => /^libs\/domain\/src\/|\/domain\.ts$/.test(file.path) && !isTest(file.path),
      (file) => {
        const text = strip(file.text);
        if (/\bDate\.now\(|new Date\(\)|Temporal\.Now\b|Math\.random\(|performance\.now\(/.test(text))
          return 'reads the clock or chance; take it as an argument';
        const io = importsOf(file.text).find(
          (name) => /^node:(?!crypto$)/.test(name) || ['postgres', 'fastify'].includes(name),
        );
        return io ? `imports ${io}` : null;
      },
    ),
  planted: [{ path: 'libs/domain/src/x.ts', text: 'export const a = () => Date.now();' }],
};

const erasable: Guard = {
  name: 'tests run: nothing is skipped, left alone or put off',
  check: (files) =>
    find(
      files,
      (file) => isTest(file.path),
      (file) =>
        /\b(describe|it|test)(\.concurrent)?\.(only|skip|todo|fails)\b/.test(file.text)
          ? 'skips a test or hides others'
          : null,
    ),
  planted: [{ path: 'cli/src/x.test.ts', text: ['it', "only('x', () => {})"].join('.') }],
};

const hosts: Guard = {
  name: 'no machine paths, no registry hosts, no secrets',
  check: (files) =>
    find(
      files,
      (file) => file.path !== 'LICENSE',
      (file) => {
        const match =
          /(?:^|[\s'"`(=])\/(?:home|Users|work)\/[a-z]|registry\.(?:npmjs|yarnpkg)|deb\.debian\.org|repo1?\.maven|-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY/.exec(
            file.text,
          );
        return match ? `has "${match[0].trim()}"` : null;
      },
    ),
  planted: [{ path: 'docs/x.md', text: 'see /home/someone/x' }],
};

// ── Packages ───────────────────────────────────────────────────

interface Manifest {
  name?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const versions: Guard = {
  name: 'versions are exact and one per package in the whole repository',
  check: (files) => {
    const manifests = files
      .filter((file) => posix.basename(file.path) === 'package.json')
      .map((file) => ({ path: file.path, json: JSON.parse(file.text) as Manifest }));
    const root = manifests.find((manifest) => manifest.path === 'package.json')?.json;
    const pinned = { ...root?.dependencies, ...root?.devDependencies };
    return manifests.flatMap(({ path, json }) =>
      Object.entries({ ...json.dependencies, ...json.devDependencies }).flatMap(([name, version]) => {
        if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
          return [{ path, message: `${name}@${version} is not an exact version` }];
        if (!name.startsWith('@psa/') && root && pinned[name] !== version)
          return [{ path, message: `${name}@${version} differs from the root's ${pinned[name]}` }];
        return [];
      }),
    );
  },
  planted: [{ path: 'cli/package.json', text: '{"dependencies":{"zx":"^8.0.0"}}' }],
};

const declared: Guard = {
  name: 'a package declares what it imports',
  check: (files) => {
    const manifests = new Map(
      files
        .filter((file) =>
          /^(libs|services|portals)\/[^/]+\/package\.json$|^(cli|embedded|bench)\/package\.json$/.test(
            file.path,
          ),
        )
        .map((file) => [posix.dirname(file.path), JSON.parse(file.text) as Manifest]),
    );
    return files
      .filter((file) => isCode(file) && !isTest(file.path) && file.path.includes('/src/'))
      .flatMap((file) => {
        const manifest = manifests.get(packageOf(file.path));
        if (!manifest) return [];
        const known = { ...manifest.dependencies, ...manifest.devDependencies };
        return [...new Set(importsOf(file.text))]
          .filter((name) => !/^(\.|node:|virtual:)/.test(name))
          .map((name) =>
            name
              .split('/')
              .slice(0, name.startsWith('@') ? 2 : 1)
              .join('/'),
          )
          .filter((name) => !(name in known) && name !== manifest.name)
          .map((name) => ({
            path: file.path,
            message: `imports ${name}, which its package.json does not name`,
          }));
      });
  },
  planted: [
    { path: 'cli/package.json', text: '{"name":"@psa/cli"}' },
    { path: 'cli/src/x.ts', text: "import x from 'left-pad';" },
  ],
};

/** Comments and strings say things that code does not do. */
function strip(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

/** The checker of Proxmox's schema is for the lab and for tests. */
const checker: Guard = {
  name: 'the schema checker of Proxmox does not ship',
  check: (files) => {
    const ships = /^(cli|libs\/appliance|libs\/proxmox\/src(?!\/schema))\/.*\.ts$/;
    const valuesOf = (text: string) => importsOf(strip(text).replace(/import type [^;]*;/g, ''));
    const isBad = (text: string) => valuesOf(text).some((name) => /(proxmox|\.)\/schema\//.test(name));
    return files
      .filter(({ path, text }) => ships.test(path) && !isTest(path) && isBad(text))
      .map(({ path }) => ({ path, message: 'imports more than its types' }));
  },
  planted: [{ path: 'libs/proxmox/src/client/x.ts', text: "import { a } from '../schema/api-schema.ts';" }],
};

/** Every guard, in the order in which the test reports them. */
export const GUARDS: readonly Guard[] = [
  imports,
  layout,
  names,
  services,
  length,
  environment,
  purity,
  erasable,
  hosts,
  versions,
  declared,
  checker,
];
