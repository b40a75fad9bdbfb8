import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ensureSigningKey, readSigningKey, signingKeyFile } from '@psa/appliance/signing/key-file';
import { type SigningKey, signatureFault, signatureOf } from '@psa/appliance/signing/minisign';
import { type Built, build, upToDate } from '@psa/lxc-templates/build';
import type { Definition } from '@psa/lxc-templates/definition';
import { fileNames, type Manifest } from '@psa/lxc-templates/manifest';
import { missingSources } from '@psa/lxc-templates/sources';
import { define } from '../../command.ts';
import { CliError, toCliError } from '../../errors.ts';
import { writeWhole } from '../../site/folder.ts';
import { signatureFile } from '../../site/signature.ts';
import { plural, table } from '../../text.ts';
import { forReader, megabytes, NAMES, OUTPUT, outputOf, type TemplateOptions, wanted } from './templates.ts';

interface Options extends TemplateOptions {
  readonly force?: boolean;
}

interface PlannedTemplate {
  readonly template: string;
  readonly version: string;
  readonly action: 'build' | 'keep' | 'skip';
  readonly reason: string;
}
interface Plan {
  readonly output: string;
  readonly templates: readonly PlannedTemplate[];
}
interface BuiltTemplate {
  readonly template: string;
  readonly version: string;
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  readonly packages: number;
  /** It was there already, from the same inputs. */
  readonly cached: boolean;
  readonly seconds: number;
}
interface Result {
  readonly output: string;
  readonly templates: readonly BuiltTemplate[];
  readonly skipped: readonly { template: string; reason: string }[];
  readonly failed: readonly { template: string; message: string; why?: string; fix?: string }[];
}

export const templateBuild = define<Options, Plan, readonly Definition[], Result>({
  summary: 'Builds the templates that containers are made from',
  description: `
Makes <name>-<version>.tar.zst, and a manifest with its packages and checksums beside it. The packages come from
the Debian sources (mirror, proxy) of this machine. Each template stands on its parent's archive, which is built first
where it is missing. What was built from the same definition is kept; the same definition and packages give
the same bytes. Manifests are signed with this machine's key ("psactl secrets signing-key"). A template whose packages this machine has no source of is skipped, unless it is named. Needs root.`,
  args: NAMES,
  options: [
    { flags: '--force', description: 'build also what is there, with the packages of today' },
    OUTPUT,
  ],
  examples: [
    { run: 'psactl template build', note: 'all that are missing or have changed' },
    { run: 'psactl template build postgres --force', note: 'one, with the newest packages' },
    { run: 'psactl template build --dry-run', note: 'what would be built, and why' },
  ],
  resume: 'Run it again: what was built is kept.',

  async plan({ args, options, io }) {
    const output = outputOf({ options, io });
    const definitions = wanted(args);
    const key = await readSigningKey(signingKeyFile(io.env));
    const templates = await Promise.all(
      definitions.map(async (definition): Promise<PlannedTemplate> => {
        const { name: template, version, sources = [] } = definition;
        const missing = args.length === 0 ? missingSources(sources) : [];
        if (missing.length > 0) {
          const reason = `this machine has no source of packages "${missing.join('", "')}"`;
          return { template, version, action: 'skip', reason };
        }
        if (options.force) return { template, version, action: 'build', reason: 'forced' };
        if (!(await upToDate(output, definition)))
          return { template, version, action: 'build', reason: 'not built from this definition' };
        return (await isOurs(output, definition, key))
          ? { template, version, action: 'keep', reason: 'built from this definition' }
          : { template, version, action: 'build', reason: "not signed with this machine's key" };
      }),
    );
    const carry = definitions.filter((_, i) => templates[i]!.action !== 'skip');
    return { data: { output, templates }, carry };
  },

  async apply({ data, carry }, { io, options, progress, signal }) {
    const { output } = data;
    const { key } = await ensureSigningKey(signingKeyFile(io.env));
    // Without its manifest it is built.
    for (const definition of carry)
      if (!(await isOurs(output, definition, key)))
        await rm(join(output, fileNames(definition).manifest), { force: true });
    progress.start('building templates', carry.length);
    const results = await build(carry, {
      output,
      signal,
      force: options.force === true,
      onStep: (template, step) => progress.note(`${template}: ${step}`),
      onBuilt: ({ manifest, cached, seconds }) => {
        progress.advance();
        if (!cached)
          progress.note(
            `${manifest.template}: built in ${Math.round(seconds)} s, ${megabytes(manifest.size)}`,
          );
      },
    });
    progress.end();
    const failed = results.flatMap((result) => {
      if (!('error' in result)) return [];
      const { message, why, fix } = toCliError(forReader(result.error));
      return [
        {
          template: result.template,
          message,
          ...(why !== undefined && { why }),
          ...(fix !== undefined && { fix }),
        },
      ];
    });
    const built = results.filter((result): result is Built => !('error' in result));
    for (const { manifest, cached } of built) if (!cached) await signManifest(output, manifest, key);
    if (built.length === 0 && failed.length > 0) {
      const { message, ...rest } = failed[0]!;
      throw new CliError(message, rest);
    }
    return {
      output,
      templates: built.map(({ manifest, file, cached, seconds }) => ({
        template: manifest.template,
        version: manifest.version,
        file,
        size: manifest.size,
        sha256: manifest.sha256,
        packages: Object.keys(manifest.packages).length,
        cached,
        seconds: Math.round(seconds * 10) / 10,
      })),
      skipped: data.templates
        .filter(({ action }) => action === 'skip')
        .map(({ template, reason }) => ({ template, reason })),
      failed,
    };
  },

  renderPlan: ({ templates }) =>
    table(templates.map((one) => [one.action, `${one.template} ${one.version}`, one.reason])),

  render({ templates, skipped, failed, output }) {
    const rows = templates.map((one) => [
      `  ${one.template}`,
      one.version,
      megabytes(one.size),
      one.cached ? 'kept' : `${one.seconds} s`,
      one.sha256.slice(0, 12),
    ]);
    const lines = [`${plural(templates.length, 'template')} in ${output}\n`, table(rows)];
    for (const { template, reason } of skipped) lines.push(`skipped ${template}: ${reason}\n`);
    for (const { message, why, fix } of failed)
      lines.push(
        [message, why && `  why: ${why}`, fix && `  fix: ${fix}`, '']
          .filter((one) => one !== undefined)
          .join('\n'),
      );
    return lines.join('');
  },

  outcome: ({ failed }) => (failed.length > 0 ? 'partial' : 'done'),
});

/** Whether the manifest of a template is as this machine has signed it. What it has not is built anew, never signed. */
async function isOurs(output: string, definition: Definition, key: SigningKey | null): Promise<boolean> {
  const file = join(output, fileNames(definition).manifest);
  const [manifest, signature] = await Promise.all([
    readFile(file).catch(() => null),
    readFile(signatureFile(file), 'utf8').catch(() => null),
  ]);
  return (
    key !== null &&
    manifest !== null &&
    signature !== null &&
    signatureFault(manifest, basename(file), signature, [key.publicKey]) === null
  );
}

async function signManifest(output: string, manifest: Manifest, key: SigningKey): Promise<void> {
  const name = { name: manifest.template, version: manifest.version };
  const file = join(output, fileNames(name).manifest);
  await writeWhole(signatureFile(file), signatureOf(await readFile(file), basename(file), key), 0o644);
}
