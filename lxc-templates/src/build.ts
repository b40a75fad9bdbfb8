import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pack } from './archive.ts';
import type { Definition } from './definition.ts';
import { checksum, fileNames, type Manifest, readManifest, sizeOf } from './manifest.ts';
import { PackageLists } from './package-lists.ts';
import { run, TemplateError } from './run.ts';
import { aptOptions } from './sources.ts';
import { clean, finish, lay } from './tree.ts';

/** Where and how to build. */
export interface BuildOptions {
  /** Folder of the archives. What was fetched is kept in `.cache` beside them. */
  readonly output: string;
  /** Builds also what is there already. Parents that are there are taken as they are, unless they are asked for. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  readonly onStep?: (template: string, step: 'packages' | 'files' | 'archive') => void;
  /** One of the wanted is there. */
  readonly onBuilt?: (built: Built) => void;
  /** How many at the same time (2). */
  readonly parallel?: number;
}

/** A template that was asked for. */
export interface Built {
  readonly manifest: Manifest;
  readonly file: string;
  /** Whether it was there already, from the same inputs. */
  readonly cached: boolean;
  readonly seconds: number;
}

/** The manifest of an archive that was made from these very inputs; null when it has to be built. */
export async function upToDate(output: string, definition: Definition): Promise<Manifest | null> {
  const manifest = readManifest(output, definition);
  if (manifest?.inputs !== definition.inputs) return null;
  const size = await sizeOf(join(output, fileNames(definition).archive));
  return size === manifest.size ? manifest : null;
}

/**
 * Builds templates, each as soon as its parent is there. One that cannot be built does not keep the others from it.
 * @returns what was built, and what could not be, in the order of `wanted`
 */
export async function build(
  wanted: readonly Definition[],
  options: BuildOptions,
): Promise<readonly (Built | { readonly template: string; readonly error: unknown })[]> {
  const { output } = options;
  await mkdir(output, { recursive: true });
  await removeLeftovers(output);
  const gate = places(options.parallel ?? 2);
  const lists = new PackageLists(output, options.signal);
  const running = new Map<string, Promise<Built>>();
  const start = (definition: Definition, asked: boolean): Promise<Built> => {
    const known = running.get(definition.name);
    if (known) return known;
    const made = (async () => {
      const parent = definition.parent
        ? await start(definition.parent, wanted.includes(definition.parent))
        : null;
      const there = options.force && asked ? null : await upToDate(output, definition);
      const file = join(output, fileNames(definition).archive);
      if (there) return { manifest: there, file, cached: true, seconds: 0 };
      return gate(() => buildOne(definition, parent, lists, options));
    })();
    running.set(definition.name, made);
    return made;
  };
  const results = await Promise.allSettled(
    wanted.map(async (definition) => {
      const built = await start(definition, true);
      options.onBuilt?.(built);
      return built;
    }),
  );
  await lists.remove();
  options.signal?.throwIfAborted();
  return results.map((result, i) =>
    result.status === 'fulfilled'
      ? result.value
      : { template: wanted[i]!.name, error: nameIt(wanted[i]!, result.reason) },
  );
}

/** The template's name in what could not be done. */
function nameIt({ name }: Definition, error: unknown): unknown {
  if (!(error instanceof TemplateError)) return error;
  return new TemplateError(`Unable to build the template ${name}.`, {
    why: [error.message, error.why].filter(Boolean).join(' '),
    ...(error.fix !== undefined && { fix: error.fix }),
    cause: error,
  });
}

async function buildOne(
  definition: Definition,
  parent: Built | null,
  lists: PackageLists,
  options: BuildOptions,
): Promise<Built> {
  const { output, signal } = options;
  if (process.getuid?.() !== 0)
    throw new TemplateError('Unable to make a file system of many owners.', {
      why: 'this user is not root',
      fix: 'Run it as root.',
    });
  const begun = performance.now();
  const folder = await mkdtemp(join(output, `.work-${process.pid}-`));
  // mkdtemp's folder is closed to others; APT fetches as a user of its own.
  await chmod(folder, 0o755);
  try {
    const tree = join(folder, 'tree');
    options.onStep?.(definition.name, 'packages');
    await bootstrap({ definition, parent, lists, folder, tree }, options);
    signal?.throwIfAborted();
    options.onStep?.(definition.name, 'files');
    await lay(tree, definition.files);
    await finish(tree, definition, signal);
    const packages = await installed(tree);
    const architecture = (await run('dpkg', ['--print-architecture'])).trim();
    await clean(tree, definition.epoch);
    // Of files alone: how large a folder is depends on its past.
    const sizes = (await run('find', [tree, '-type', 'f', '-printf', '%s '])).trim().split(' ');
    options.onStep?.(definition.name, 'archive');
    const archive = join(folder, 'archive');
    await pack(tree, archive, definition.epoch, signal);
    const manifest: Manifest = {
      template: definition.name,
      version: definition.version,
      description: definition.description,
      parent: definition.parent && `${definition.parent.name}-${definition.parent.version}`,
      suite: definition.suite,
      architecture,
      created: new Date(definition.epoch * 1000).toISOString(),
      inputs: definition.inputs,
      archive: fileNames(definition).archive,
      size: (await sizeOf(archive))!,
      sha256: await checksum(archive, signal),
      unpacked_size: sizes.reduce((sum, size) => sum + Number(size), 0),
      packages,
    };
    const names = fileNames(definition);
    // The old manifest goes first, so that none ever stands beside an archive that is not its own.
    await rm(join(output, names.manifest), { force: true });
    await rename(archive, join(output, names.archive));
    await writeFile(join(folder, 'manifest'), `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(join(folder, 'manifest'), join(output, names.manifest));
    const seconds = (performance.now() - begun) / 1000;
    return { manifest, file: join(output, names.archive), cached: false, seconds };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One template on its way. */
interface Work {
  readonly definition: Definition;
  readonly parent: Built | null;
  readonly lists: PackageLists;
  readonly folder: string;
  readonly tree: string;
}

const PACKAGES = 'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --quiet --no-install-recommends';

/** Makes the tree: from nothing, or from the parent's archive and the packages that come on top of it. */
async function bootstrap(
  { definition, parent, lists, folder, tree }: Work,
  { output, signal }: BuildOptions,
): Promise<void> {
  const before = join(folder, 'before');
  await mkdir(before);
  await lay(before, definition.before);
  const debs = join(output, '.cache/debs');
  await mkdir(debs, { recursive: true });
  const { sources, list } = await lists.of(definition);
  const settings = join(folder, 'apt.conf');
  await writeFile(
    settings,
    `${[...(await aptOptions()), 'APT::Install-Recommends "false";', 'Acquire::Languages "none";'].join('\n')}\n`,
  );
  const packages = definition.packages ?? [];
  const hooks = [
    // Links: hundreds of MB would be copied otherwise. Nothing writes to a package's file.
    'mkdir -p "$1/var/cache/apt/archives/partial" "$1/var/lib/apt/lists/partial"',
    'find "$PSA_DEBS" -name "*.deb" -exec cp -l -t "$1/var/cache/apt/archives" {} +',
    'cp -a "$PSA_LISTS/." "$1/var/lib/apt/lists/"',
    ...(parent
      ? [
          'tar --zstd --extract --file="$PSA_PARENT" --directory="$1" --numeric-owner --xattrs --xattrs-include="*"',
        ]
      : []),
    'cp -a "$PSA_BEFORE/." "$1/"',
  ].map((hook) => `--setup-hook=${hook}`);
  const customize = [
    ...(parent && packages.length > 0
      ? [`${PACKAGES} install -o DPkg::Chroot-Directory="$1" ${packages.join(' ')}`]
      : []),
    'find "$1/var/cache/apt/archives" -maxdepth 1 -name "*.deb" -exec cp -l -n -t "$PSA_DEBS" {} +',
  ].map((hook) => `--customize-hook=${hook}`);
  // Its own mount namespace: what is mounted into the tree goes with it, whatever happens.
  await run(
    'unshare',
    [
      '--mount',
      '--propagation=private',
      'mmdebstrap',
      '--mode=root',
      '--format=directory',
      '--verbose',
      `--variant=${parent ? 'custom' : 'minbase'}`,
      ...(parent || packages.length === 0 ? [] : [`--include=${packages.join(',')}`]),
      '--skip=essential/unlink,check/signed-by,update',
      `--aptopt=${settings}`,
      '--dpkgopt=force-unsafe-io',
      ...hooks,
      ...customize,
      definition.suite,
      tree,
      sources,
    ],
    {
      signal,
      env: {
        PSA_DEBS: debs,
        PSA_LISTS: list,
        PSA_BEFORE: before,
        PSA_PARENT: parent?.file ?? '',
        SOURCE_DATE_EPOCH: String(definition.epoch),
        DEBIAN_FRONTEND: 'noninteractive',
        LC_ALL: 'C.UTF-8',
        // Compiled Python is the same every time.
        PYTHONHASHSEED: '0',
        TMPDIR: folder,
      },
    },
  );
}

async function installed(tree: string): Promise<Record<string, string>> {
  const text = await run('dpkg-query', [
    `--admindir=${join(tree, 'var/lib/dpkg')}`,
    '--show',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
    '--showformat=${Package} ${Version} ${db:Status-Status}\\n',
  ]);
  const rows = text.split('\n').map((line) => line.split(' '));
  return Object.fromEntries(
    rows
      .filter(([, , state]) => state === 'installed')
      .map(([name, version]) => [name!, version!] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Trees of builds whose process has ended without taking them away. */
async function removeLeftovers(output: string): Promise<void> {
  for (const name of await readdir(output)) {
    const pid = /^\.work-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      await rm(join(output, name), { recursive: true, force: true });
  }
}

/** Lets so many in at the same time. */
function places(count: number) {
  let free = count;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free === 0) await new Promise<void>((go) => waiting.push(go));
    else free--;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
