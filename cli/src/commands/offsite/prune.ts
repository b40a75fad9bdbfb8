import { define } from '../../command.ts';
import type { CopyDecision } from '../../offsite/decide-prune.ts';
import type { Remote } from '../../offsite/remotes.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural, table } from '../../text.ts';

interface Pruned {
  readonly data: readonly {
    readonly remote: string;
    readonly keep: readonly { readonly id: string; readonly attempt: string; readonly why: string }[];
    readonly remove: readonly { readonly id: string; readonly attempt: string; readonly why: string }[];
  }[];
}
type Work = readonly { readonly remote: Remote; readonly remove: readonly CopyDecision[] }[];

export const offsitePrune = define<SiteOptions, Pruned, Work, Pruned>({
  summary: 'Removes the copies outside that their generation does not keep',
  description: `
By backup.tiers of the inventory, each part among its like; the last good one of each stays. It needs credentials that may
remove, which should be on no machine of the site: run it elsewhere, with RCLONE_CONFIG, or leave it to the remote's own rules.`,
  examples: [{ run: 'psactl offsite prune --site lab --dry-run', note: 'what stays, and why' }],
  resume: 'Run it again: it ends what was begun.',
  async plan(context) {
    const { io, signal } = context;
    const { readSite } = await import('../../site/site.ts');
    const { siteNameOf } = await import('../../site/generations.ts');
    const { readRemote } = await import('@psa/recovery/offsite/receipt');
    const { decideOffsitePrune } = await import('../../offsite/decide-prune.ts');
    const { remotesOf } = await import('../../offsite/remotes.ts');
    const site = await readSite(context);
    try {
      const decided = await Promise.all(
        remotesOf(site, io, signal).map(async (remote) => {
          const copies = await readRemote(remote.rclone);
          const all = decideOffsitePrune(copies, remote.policy, siteNameOf(site), Date.now());
          return { remote, keep: all.filter(({ keep }) => keep), remove: all.filter(({ keep }) => !keep) };
        }),
      );
      const shown = (list: readonly CopyDecision[]) =>
        list.map(({ copy: { id, attempt }, why }) => ({ id, attempt, why }));
      const data = decided.map(({ remote, keep, remove }) => ({
        ...{ remote: remote.name, keep: shown(keep), remove: shown(remove) },
      }));
      return { data: { data }, carry: decided.map(({ remote, remove }) => ({ remote, remove })) };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  confirm: ({ carry }) => {
    const gone = carry.reduce((sum, { remove }) => sum + remove.length, 0);
    return gone === 0 ? null : `Remove ${plural(gone, 'backup')} from outside?`;
  },
  renderPlan: ({ data }) =>
    data
      .map(({ remote, keep, remove }) => {
        const rows = [
          ...keep.map(({ id, why }) => ['keep', id, why]),
          ...remove.map(({ id, why }) => ['remove', id, why]),
        ];
        return `${remote}\n${rows.length === 0 ? 'There is none.\n' : table(rows)}`;
      })
      .join('\n'),
  async apply({ data, carry }, { progress }) {
    const { copyName } = await import('@psa/recovery/offsite/copy-name');
    for (const { remote, remove } of carry) {
      const there = new Set((await remote.rclone.list()).map(({ name }) => name));
      for (const { copy } of remove) {
        progress.start(copy.id);
        // The receipt first: what is killed in the middle is a half copy, and no good one.
        for (const part of ['receipt', 'content', 'manifest'] as const) {
          const name = copyName(copy.id, copy.attempt, part);
          if (!there.has(name)) continue;
          await remote.rclone.remove(name).catch((error) => {
            throw recoveryError(error);
          });
        }
      }
    }
    return data;
  },
  render: ({ data }) =>
    data.map(({ remote, remove }) => `${plural(remove.length, 'backup')} removed from ${remote}.\n`).join(''),
});
