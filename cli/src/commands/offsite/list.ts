import type { RemoteCopy } from '@psa/recovery/offsite/receipt';
import { size, when } from '../../backup/backup-text.ts';
import { define } from '../../command.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { table } from '../../text.ts';

interface Listed {
  readonly data: readonly (RemoteCopy & { readonly remote: string })[];
}

export const offsiteList = define<SiteOptions, Listed, null, Listed>({
  summary: 'Lists the copies outside, and which of them are whole',
  description: `
From their names, lengths and receipts, without reading them and without asking any cluster: it works when that is gone.
"psactl offsite verify" reads them to their last byte.`,
  examples: [{ run: 'psactl offsite list --site lab', note: 'the newest first' }],
  async plan(context) {
    const { readSite } = await import('../../site/site.ts');
    const { readRemote } = await import('@psa/recovery/offsite/receipt');
    const { remotesOf } = await import('../../offsite/remotes.ts');
    const remotes = remotesOf(await readSite(context), context.io, context.signal);
    const all = await Promise.all(
      remotes.map(async ({ name, rclone }) =>
        (await readRemote(rclone)).map((one) => ({ ...one, remote: name })),
      ),
    ).catch((error) => {
      throw recoveryError(error);
    });
    return { data: { data: all.flat() }, carry: null };
  },
  render: ({ data }) =>
    data.length === 0
      ? 'There is none.\n'
      : table([
          ['COPY', 'OF', 'FOR', 'SIZE', 'STATE', 'ON'],
          ...data.map(({ id, receipt, bytes, state, remote }) => [
            ...[id, receipt ? when(receipt.at) : '', receipt?.tier ?? '', size(bytes), state, remote],
          ]),
        ]),
});
