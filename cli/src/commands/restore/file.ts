import { resolve } from 'node:path';
import { size } from '../../backup/backup-text.ts';
import { define } from '../../command.ts';
import { usage } from '../../errors.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { FilePlan, ReadFile } from '../../restore/file.ts';
import { ROWS_OPTIONS, type RowsOptions } from '../../restore/rows-world.ts';

interface Options extends RowsOptions {
  readonly ticket?: string;
  readonly tenant?: string;
  readonly container?: string;
  readonly out?: string;
}
/** How its bytes are read: of a container's the archive is read again, on the node that has it. */
type Carry = { readonly read: ReadFile } | { readonly node: string; readonly volid: string };

export const restoreFileCommand = define<Options, FilePlan, Carry, { readonly data: FilePlan }>({
  summary: 'Brings one file back out of a backup: of a ticket, or of a container',
  description: `
A ticket's file by its id, or by its name with --ticket: out of a dump, as of a moment (--to), or out of an archive of the
platform in one process. A container's file by its path with --container: out of the archive that vzdump made, read as a stream
on the node that has it. It is put beside, into the present folder or where --out says, and nothing is overwritten; it has its
name when all of it is there, and is what was stored. Back onto its ticket it comes with "psactl restore ticket".`,
  args: [{ name: 'file', description: 'the id or name of a ticket’s file, or a path in a container' }],
  options: [
    ...ROWS_OPTIONS.filter(({ flags }) => flags !== '--overwrite'),
    { flags: '--ticket <ticket>', description: 'the number or id of the ticket that it is of' },
    { flags: '--tenant <id>', description: 'whose ticket, where several tenants have that number' },
    { flags: '--container <name>', description: 'name or id of the container that it is in' },
    { flags: '--out <path>', description: 'where to; the present folder, under its own name' },
  ],
  withoutSite: 'psactl restore file NAME --ticket NUMBER --from FILE',
  examples: [
    {
      run: 'psactl restore file /usr/lib/os-release --container psa-redis-1 --site lab --yes',
      note: 'out of the newest archive of a container',
    },
    {
      run: 'psactl restore file plan.pdf --ticket 1042 --from backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age --yes',
      note: 'of a ticket, of the platform in one process',
    },
  ],
  resume: 'Run it again: nothing has its name yet.',
  async plan(context) {
    const { args, options, io, signal } = context;
    const { container, ticket, tenant, from, to, out } = options;
    const name = args[0]!;
    const toOf = (own: string) => resolve(io.cwd, out ?? own.replaceAll(/[/\0]/g, '_'));
    const { planAttachment, planContainerFile } = await import('../../restore/file.ts');
    if (container === undefined) {
      const { withRows } = await import('../../restore/rows-world.ts');
      return withRows(context, async (source, live) => {
        const { plan, read } = await planAttachment(source, live, { name, ticket, tenant }, toOf);
        return { data: plan, carry: { read } };
      });
    }
    if (ticket !== undefined || to !== undefined)
      throw usage(
        'Unable to look into a container and a ticket at once.',
        'Give --container alone, with --from.',
      );
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    return withSite(context, async (site) => {
      const wanted = { path: name, container, backup: from ?? 'latest' };
      const { plan, node, volid } = await planContainerFile(new Cluster(site, signal), wanted, toOf);
      return { data: plan, carry: { node, volid } };
    });
  },
  // Nothing is overwritten: there is nothing to lose.
  confirm: () => null,
  renderPlan: ({ name, container, backup, at, bytes, to }) =>
    `Would put ${name}${container === null ? '' : ` of ${container}`} as in ${backup}, of ${at} (${size(bytes)}), into ${to}.\n`,
  async apply({ data, carry }, context) {
    const { readContainerFile, restoreFile } = await import('../../restore/file.ts');
    try {
      if ('read' in carry) return { data: await restoreFile(data, carry.read) };
      const { withSite } = await import('../../site/site.ts');
      const { Cluster } = await import('../../site/cluster.ts');
      return await withSite(context, async (site) => {
        const cluster = new Cluster(site, context.signal);
        return { data: await restoreFile(data, readContainerFile(cluster, carry.node, carry.volid, data)) };
      });
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data }) =>
    `${data.to} is ${data.name} of ${data.backup}: ${size(data.bytes)}, SHA-256 ${data.sha256}.\n`,
});
