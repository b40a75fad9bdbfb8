import { define } from '../../command.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { table } from '../../text.ts';

interface Verified {
  readonly data: readonly {
    readonly id: string;
    readonly remote: string;
    readonly ok: boolean;
    readonly why: string | null;
  }[];
}

export const offsiteVerify = define<SiteOptions, Verified, null, Verified>({
  summary: 'Reads copies outside to their last byte, and says whether they are what was sent',
  description: `
Those that are named, by id or run; without any, the newest of each part. No key and no cluster is needed. Ends with 1 when
one of them is not what its receipt says.`,
  args: [{ name: 'backup...', description: 'ids of "psactl offsite list", or runs', required: false }],
  examples: [{ run: 'psactl offsite verify --site lab', note: 'the newest of each part' }],
  async plan(context) {
    const { args, io, progress, signal } = context;
    const { readSite } = await import('../../site/site.ts');
    const { chooseCopies } = await import('../../offsite/chosen.ts');
    const { remotesOf } = await import('../../offsite/remotes.ts');
    const { verifyCopy } = await import('@psa/recovery/offsite/send');
    const site = await readSite(context);
    try {
      const chosen = await chooseCopies(site, remotesOf(site, io, signal), args);
      progress.start('Read copies', chosen.length);
      const data: Verified['data'][number][] = [];
      for (const { remote, receipt } of chosen) {
        const why = await verifyCopy(remote.rclone, receipt).then(
          () => null,
          (error: Error) => {
            signal.throwIfAborted();
            return error.message;
          },
        );
        data.push({ id: receipt.id, remote: remote.name, ok: why === null, why });
        progress.advance();
      }
      return { data: { data }, carry: null };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data }) =>
    data.length === 0
      ? 'There is none.\n'
      : table(data.map(({ id, remote, ok, why }) => [ok ? 'whole' : 'BAD', id, ok ? remote : why!])),
  outcome: ({ data }) => (data.some(({ ok }) => !ok) ? 'failed' : 'done'),
});
