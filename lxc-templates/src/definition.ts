import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { TemplateError } from './run.ts';

const Closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const Name = Type.String({ pattern: '^[a-z][a-z0-9-]{0,40}$' });
const Unit = Type.String({ pattern: '^[a-zA-Z0-9_@.-]+\\.(service|socket|timer|target|mount|automount)$' });
const Path = Type.String({ pattern: '^/[^\\s]+$' });

/** `template.yaml` of a template. */
const DefinitionFile = Closed({
  name: Name,
  version: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+$' }),
  description: Type.String({ minLength: 5 }),
  /** The template that it stands on; absent: it is made from nothing. */
  parent: Type.Optional(Name),
  /** Debian's release; of templates without a parent. */
  suite: Type.Optional(Type.String({ pattern: '^[a-z]+$' })),
  /** The time of everything that the build makes; children have their parent's. */
  source_date_epoch: Type.Optional(Type.Integer({ minimum: 1_000_000_000 })),
  packages: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9+.-]+$' }))),
  /** Files of /etc/apt/sources.list.d that are used besides Debian's, by the beginning of their names. */
  sources: Type.Optional(Type.Array(Name)),
  /** Files of npm packages. */
  copies: Type.Optional(
    Type.Array(Closed({ package: Type.String(), from: Type.String({ pattern: '^[^/][^\\s]*$' }), to: Path })),
  ),
  units: Type.Optional(
    Closed({
      enable: Type.Optional(Type.Array(Unit)),
      disable: Type.Optional(Type.Array(Unit)),
      mask: Type.Optional(Type.Array(Unit)),
    }),
  ),
});
type DefinitionFile = Static<typeof DefinitionFile>;

/** A file that goes into the tree: its path there, where it comes from, whether it can be run. */
export interface TemplateFile {
  readonly path: string;
  readonly source: string;
  readonly executable: boolean;
}

/** A template as it is built. */
export interface Definition extends Omit<DefinitionFile, 'parent' | 'suite' | 'source_date_epoch'> {
  readonly parent: Definition | null;
  readonly suite: string;
  readonly epoch: number;
  /** Laid before the packages come. */
  readonly before: readonly TemplateFile[];
  /** Laid after them. */
  readonly files: readonly TemplateFile[];
  /** A script that runs inside the tree at the end; null: none. */
  readonly finish: string | null;
  /** SHA-256 over everything that decides the content, the parent's included. */
  readonly inputs: string;
}

const FOLDER = join(import.meta.dirname, '../templates');
/** Where archives are put unless told otherwise. */
export const ARCHIVES = join(import.meta.dirname, '../../dist/templates');
/** Raised when the builder makes other archives from the same definitions; their versions are raised with it. */
const BUILDER = 4;

/** Every definition, parents before their children. @throws TemplateError that names the file and the field */
export function loadDefinitions(folder: string = FOLDER): readonly Definition[] {
  const loaded = new Map<string, Definition>();
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'template.yaml')));
  const load = (name: string, children: readonly string[]): Definition => {
    const known = loaded.get(name);
    if (known) return known;
    const file = join(folder, name, 'template.yaml');
    if (children.includes(name))
      throw invalid(file, `it stands on itself: ${[...children, name].join(' → ')}`);
    const data = read(file);
    if (data.name !== name) throw invalid(file, `its name is "${data.name}", that of its folder "${name}"`);
    if (data.parent !== undefined && !names.includes(data.parent))
      throw invalid(
        file,
        `there is no template "${data.parent}" to stand on. There are: ${names.join(', ')}`,
      );
    const parent = data.parent === undefined ? null : load(data.parent, [...children, name]);
    const made = complete(join(folder, name), data, parent);
    loaded.set(name, made);
    return made;
  };
  for (const name of names.sort()) load(name, []);
  return [...loaded.values()];
}

function read(file: string): DefinitionFile {
  let data: unknown;
  try {
    data = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(file, (error as Error).message);
  }
  const [wrong] = Value.Errors(DefinitionFile, data);
  if (wrong) {
    const message = wrong.message === 'schema is false' ? 'is no field of a template' : wrong.message;
    throw invalid(file, `${wrong.instancePath || 'it'} ${message}`);
  }
  return data as DefinitionFile;
}

const invalid = (file: string, why: string) =>
  new TemplateError(`Unable to use ${relative(process.cwd(), file)}: ${why}`);

function complete(folder: string, data: DefinitionFile, parent: Definition | null): Definition {
  const suite = data.suite ?? parent?.suite;
  const epoch = data.source_date_epoch ?? parent?.epoch;
  if (suite === undefined || epoch === undefined)
    throw invalid(
      join(folder, 'template.yaml'),
      'a template without a parent needs suite and source_date_epoch',
    );
  const before = filesOf(join(folder, 'before'));
  const files = [...filesOf(join(folder, 'files')), ...(data.copies ?? []).map(copyOf)];
  const script = join(folder, 'finish.sh');
  const finish = existsSync(script) ? script : null;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([BUILDER, parent?.inputs ?? null, data, suite, epoch]));
  for (const { path, source, executable } of [...before, ...files])
    hash.update(`\0${path}\0${executable}\0${digestOf(source)}`);
  hash.update(finish === null ? '' : readFileSync(finish));
  return { ...data, parent, suite, epoch, before, files, finish, inputs: hash.digest('hex') };
}

function filesOf(folder: string): TemplateFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((source) => ({
      path: `/${relative(folder, source)}`,
      source,
      executable: (statSync(source).mode & 0o100) !== 0,
    }));
}

function copyOf(copy: NonNullable<DefinitionFile['copies']>[number]): TemplateFile {
  const description = createRequire(import.meta.url).resolve(`${copy.package}/package.json`);
  const source = join(dirname(description), copy.from);
  if (!existsSync(source))
    throw new TemplateError(`Unable to find ${copy.from} of the npm package ${copy.package}.`, {
      fix: 'Run npm ci.',
    });
  return { path: copy.to, source, executable: (statSync(source).mode & 0o100) !== 0 };
}

const digests = new Map<string, string>();
/** Node is large and asked for often. */
function digestOf(file: string): string {
  const { mtimeMs, size } = statSync(file);
  const key = `${file} ${mtimeMs} ${size}`;
  const known = digests.get(key);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  digests.set(key, digest);
  return digest;
}
