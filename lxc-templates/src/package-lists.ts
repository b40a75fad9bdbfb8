import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Definition } from './definition.ts';
import { run } from './run.ts';
import { sourceLines } from './sources.ts';

/** Sources of packages and what they offer now. */
interface Lists {
  /** File with the sources, one line each. */
  readonly sources: string;
  /** Folder of APT's lists. */
  readonly list: string;
}

/**
 * Lists of packages for one run: fetched once, so that all its templates have packages of the same moment. What was
 * fetched before is kept in `.cache/lists`; APT then asks only whether it has changed.
 */
export class PackageLists {
  readonly #output: string;
  readonly #signal: AbortSignal | undefined;
  readonly #fetched = new Map<string, Promise<Lists>>();
  #folder: Promise<string> | null = null;

  constructor(output: string, signal?: AbortSignal) {
    this.#output = output;
    this.#signal = signal;
  }

  /** The lists for a template. @throws TemplateError when this machine has no source for it, or it does not answer */
  of({ suite, sources = [] }: Definition): Promise<Lists> {
    const text = `${sourceLines(suite, sources).join('\n')}\n`;
    const key = createHash('sha256').update(text).digest('hex').slice(0, 16);
    const known = this.#fetched.get(key) ?? this.#fetch(key, text);
    this.#fetched.set(key, known);
    return known;
  }

  /** Takes the copies of this run away. */
  async remove(): Promise<void> {
    if (this.#folder) await rm(await this.#folder, { recursive: true, force: true });
  }

  async #fetch(key: string, text: string): Promise<Lists> {
    this.#folder ??= mkdtemp(join(this.#output, `.work-${process.pid}-`));
    const folder = await this.#folder;
    const sources = join(folder, `${key}.list`);
    const list = join(folder, key);
    const cached = join(this.#output, '.cache/lists', key);
    await mkdir(join(cached, 'partial'), { recursive: true });
    await writeFile(sources, text);
    const settings = [
      `Dir::Etc::SourceList=${sources}`,
      'Dir::Etc::SourceParts=-',
      `Dir::State::Lists=${cached}`,
      'APT::Sandbox::User=root',
      'APT::Update::Error-Mode=any',
      'Acquire::Languages=none',
      // As mmdebstrap reads them.
      'Acquire::GzipIndexes=false',
      'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
      'Acquire::IndexTargets::deb::CNF::DefaultEnabled=false',
    ].flatMap((setting) => ['-o', setting]);
    const copy = 'lists=$1 copy=$2; shift 2; apt-get --quiet update "$@" >&2 && cp -a "$lists" "$copy"';
    // Another run at the same time must not change what is being copied.
    const lock = `${cached}.lock`;
    await run('flock', [lock, 'sh', '-c', copy, 'sh', cached, list, ...settings], {
      ...(this.#signal && { signal: this.#signal }),
      env: { LC_ALL: 'C' },
    });
    return { sources, list };
  }
}
