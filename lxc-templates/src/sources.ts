import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run, TemplateError } from './run.ts';

/** One entry of APT's sources, in deb822's words. */
interface Source {
  readonly file: string;
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string | null;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * The lines by which this machine gets Debian's packages, and those of the files that `extra` names. Where packages
 * come from is the machine's affair: a mirror or proxy that it uses is used here, too.
 */
export function sourceLines(suite: string, extra: readonly string[], folder = '/etc/apt'): string[] {
  const all = sourceFiles(folder).flatMap((file) =>
    file.endsWith('.sources') ? deb822(file) : oneLine(file),
  );
  const suites = [suite, `${suite}-updates`, `${suite}-security`];
  const debian = all
    .map((source) => ({ ...source, suites: source.suites.filter((one) => suites.includes(one)) }))
    // Others have suites of these names as well.
    .filter(
      ({ suites: found, components, signedBy }) =>
        found.length > 0 &&
        components.includes('main') &&
        (signedBy === null || signedBy.includes('debian-archive')),
    )
    .map((source) => ({ ...source, components: ['main'], signedBy: source.signedBy ?? KEYRING }));
  if (!debian.some((source) => source.suites.includes(suite)))
    throw new TemplateError(`Unable to build: this machine has no source for Debian's ${suite}.`, {
      why: `no entry of ${folder}/sources.list or ${folder}/sources.list.d names the suite ${suite} with the component main`,
      fix: 'Add Debian 12 (bookworm, bookworm-updates, bookworm-security) to the sources of APT, or build on a Debian 12.',
    });
  const missing = missingSources(extra, folder);
  const more = extra.flatMap((name) => {
    const found = all.filter(({ file }) => basename(file).startsWith(name));
    if (missing.includes(name))
      throw new TemplateError(`Unable to build: this machine has no source "${name}".`, {
        why: `Debian does not have all packages of this template, and no file ${folder}/sources.list.d/${name}* is there`,
        fix: `Add the maker's own source of packages to APT as ${folder}/sources.list.d/${name}.sources, and its key.`,
      });
    return found;
  });
  return [...debian, ...more].flatMap(toLines);
}

/** Which of these sources this machine does not have. */
export function missingSources(names: readonly string[], folder = '/etc/apt'): string[] {
  const files = sourceFiles(folder).map((file) => basename(file));
  return names.filter((name) => !files.some((file) => file.startsWith(name)));
}

function sourceFiles(folder: string): string[] {
  const parts = join(folder, 'sources.list.d');
  return [
    ...(existsSync(join(folder, 'sources.list')) ? [join(folder, 'sources.list')] : []),
    ...(existsSync(parts) ? readdirSync(parts) : [])
      .filter((name) => /\.(list|sources)$/.test(name))
      .sort()
      .map((name) => join(parts, name)),
  ];
}

function deb822(file: string): Source[] {
  return readFileSync(file, 'utf8')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = new Map<string, string>();
      let last = '';
      for (const line of stanza.split('\n')) {
        if (line.startsWith('#')) continue;
        const field = /^([\w-]+):\s*(.*)$/.exec(line);
        if (field) fields.set((last = field[1]!.toLowerCase()), field[2]!);
        else if (last !== '' && /^\s/.test(line)) fields.set(last, `${fields.get(last)} ${line.trim()}`);
      }
      const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
      if (!words('types').includes('deb') || fields.get('enabled')?.toLowerCase() === 'no') return [];
      // A key in place of its file: mmdebstrap takes files only.
      const signedBy = fields.get('signed-by')?.trim();
      return [
        {
          file,
          uris: words('uris'),
          suites: words('suites'),
          components: words('components'),
          signedBy: signedBy?.startsWith('/') ? signedBy : null,
        },
      ];
    });
}

function oneLine(file: string): Source[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const found = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$/.exec(line.replace(/#.*$/, ''));
      if (!found) return [];
      const [, options = '', uri, suite, components] = found;
      return [
        {
          file,
          uris: [uri!],
          suites: [suite!],
          components: components!.split(/\s+/).filter((word) => word !== ''),
          signedBy: /signed-by=(\S+)/i.exec(options)?.[1] ?? null,
        },
      ];
    });
}

const toLines = ({ uris, suites, components, signedBy }: Source): string[] =>
  uris.flatMap((uri) =>
    suites.map((suite) =>
      `deb${signedBy === null ? '' : ` [signed-by=${signedBy}]`} ${uri} ${suite} ${components.join(' ')}`.trimEnd(),
    ),
  );

/** How this machine gets packages: proxies, certificates, how old lists may be, how often it tries. */
export async function aptOptions(): Promise<string[]> {
  const dump = await run('apt-config', ['dump']);
  return dump
    .split('\n')
    .filter((line) =>
      /^Acquire::(https?(::.*)?|Retries|Check-Valid-Until|Check-Date|ForceIPv4|Queue-Mode) "/i.test(line),
    );
}
