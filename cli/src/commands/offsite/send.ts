import { size } from '../../backup/backup-text.ts';
import type { Catalogued } from '../../backup/catalogue.ts';
import { type Context, define } from '../../command.ts';
import type { Remote } from '../../offsite/remotes.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';

interface Sent {
  readonly data: readonly {
    readonly remote: string;
    /** Not there yet. */
    readonly send: readonly { readonly id: string; readonly bytes: number }[];
    /** A good copy is there. */
    readonly there: readonly string[];
    /** On a Proxmox Backup Server, which copies by a sync job of its own. */
    readonly elsewhere: readonly string[];
    /** Not good, so nothing to copy. */
    readonly unfit: readonly string[];
  }[];
}
type Work = readonly { readonly remote: Remote; readonly send: readonly Catalogued[] }[];

export const offsiteSend = define<SiteOptions, Sent, Work, Sent>({
  summary: 'Copies backups of a site outside, encrypted, and reads them back from there',
  description: `
To the rclone remotes that backup.tiers of the inventory name: each gets the good backups of its generations that it does not
have, or those that are named. What leaves is encrypted with age to backup.recipients; the secret keys are needed by nobody
here. A copy counts once it was read back from there. Nothing there is written over or removed: credentials that may add
and read are enough, and those are what should be on this machine (backup/README.md).`,
  args: [
    {
      name: 'backup...',
      description: 'ids of "psactl backup list", or runs; without any what the remotes lack',
      required: false,
    },
  ],
  examples: [{ run: 'psactl offsite send --site lab', note: 'what is not there yet' }],
  resume: 'Run it again: what has its receipt stays, and the rest follows.',
  async plan(context) {
    const { args, signal, io } = context;
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { named, readCatalogue } = await import('../../backup/catalogue.ts');
    const { readRemote } = await import('@psa/recovery/offsite/receipt');
    const { decideSend, wantedOn } = await import('../../offsite/decide-send.ts');
    const { remotesOf } = await import('../../offsite/remotes.ts');
    return withSite(context, async (site) => {
      const remotes = remotesOf(site, io, signal);
      const catalogue = await readCatalogue(new Cluster(site, signal));
      const asked = args.length > 0 ? named(catalogue, args) : null;
      const decided = await Promise.all(
        remotes.map(async (remote) => {
          const copies = await readRemote(remote.rclone).catch((error) => {
            throw recoveryError(error);
          });
          const wanted = asked ?? wantedOn(catalogue.backups, remote.generations);
          return { remote, ...decideSend(wanted, copies) };
        }),
      );
      const ids = (list: readonly Catalogued[]) => list.map(({ id }) => id);
      const data = decided.map(({ remote, send, there, elsewhere, unfit }) => ({
        remote: remote.name,
        send: send.map(({ id, bytes, manifest }) => ({ id, bytes: manifest?.bytes ?? bytes })),
        ...{ there: ids(there), elsewhere: ids(elsewhere), unfit: ids(unfit) },
      }));
      return { data: { data }, carry: decided.map(({ remote, send }) => ({ remote, send })) };
    });
  },
  renderPlan: ({ data }) =>
    data
      .map(
        ({ remote, send, there }) =>
          `Would copy ${plural(send.length, 'backup')} (${size(send.reduce((sum, one) => sum + one.bytes, 0))}) to ${remote}; ${there.length} are there.\n`,
      )
      .join(''),
  apply: ({ data, carry }, context) => sendAll(data, carry, context),
  render: ({ data }) =>
    data
      .map(({ remote, send, there, elsewhere, unfit }) => {
        const left = [
          ...elsewhere.map((id) =>
            id.startsWith('pitr-')
              ? `${id} is in the repository of the database, with the log: the dump of its run goes outside.\n`
              : `${id} is on a Proxmox Backup Server: its sync job copies it.\n`,
          ),
          ...unfit.map((id) => `${id} is not good, and was left out.\n`),
        ];
        return `${plural(send.length, 'backup')} copied to ${remote}, encrypted, and read back from there; ${there.length} were there.\n${left.join('')}`;
      })
      .join(''),
});

async function sendAll(data: Sent, carry: Work, context: Context<SiteOptions>): Promise<Sent> {
  const { progress, signal } = context;
  const { withSite } = await import('../../site/site.ts');
  const { Cluster } = await import('../../site/cluster.ts');
  const { usable } = await import('../../backup/catalogue.ts');
  const { readBackup } = await import('../../backup/copy-backup.ts');
  const { ensureRecipients } = await import('../../backup/recipients.ts');
  const { sendOffsite } = await import('@psa/recovery/offsite/send');
  return withSite(context, async (site) => {
    const cluster = new Cluster(site, signal);
    const recipients = await ensureRecipients(site);
    progress.start(
      'Copy backups outside',
      carry.reduce((sum, { send }) => sum + send.length, 0),
    );
    for (const { remote, send } of carry) {
      for (const one of send) {
        const manifest = usable(cluster, one);
        await sendOffsite(remote.rclone, {
          ...{ manifest, recipients },
          read: (into) => readBackup(cluster, one, into),
        }).catch((error) => {
          throw recoveryError(error);
        });
        progress.advance();
      }
    }
    return data;
  });
}
