import { when } from '../../backup/backup-text.ts';
import { define } from '../../command.ts';
import { recoveryError } from '../../recovery-error.ts';
import { ago } from '../../restore/choose.ts';
import type { ReadyRedis, RedisPlan, RedisRestored } from '../../restore/redis.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';

interface Options extends SiteOptions {
  readonly of?: string;
}

export const restoreRedisCommand = define<Options, RedisPlan, ReadyRedis, { readonly data: RedisRestored }>({
  summary: 'Replaces what is in Redis by a backup, on all of its members',
  description: `
What is there is backed up first. The master takes the snapshot as a replica takes its master's: all of it at once, with every
key's time, and its own replicas follow.`,
  args: [{ name: 'backup', description: 'an id of "psactl backup list", a run, or "latest"' }],
  options: [{ flags: '--of <site>', description: 'the site that it is of, when that is another one' }],
  examples: [{ run: 'psactl restore redis latest --site lab --dry-run', note: 'what would be replaced' }],
  resume: 'Run it again; see "psactl status" first.',
  async plan(context) {
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { identityOf } = await import('../../backup/recipients.ts');
    const { planRedis } = await import('../../restore/redis.ts');
    const { of } = context.options;
    return withSite(context, async (site) => {
      try {
        const identity = await identityOf(site, context.io.env);
        const ready = await planRedis(
          ...([new Cluster(site, context.signal), context.args[0]!, identity] as const),
          of === undefined ? undefined : `${site.inventory.name}/${of}`,
        );
        return { data: ready.plan, carry: ready };
      } catch (error) {
        throw recoveryError(error);
      }
    });
  },
  confirm: ({ data: { keys, at, age_minutes } }) =>
    `Replace ${plural(keys, 'key')} in Redis by the state of ${at}, ${ago(age_minutes)} ago?`,
  renderPlan: ({ backup, at, age_minutes, master, keys }) =>
    `Would restore Redis from ${backup} (${when(at)}, ${ago(age_minutes)} ago) by its master ${master}. ${plural(keys, 'key')} that are there would be backed up, and replaced.\n`,
  async apply({ carry }, context) {
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { restoreRedis } = await import('../../restore/redis.ts');
    return withSite(context, async (site) => {
      try {
        return { data: await restoreRedis(new Cluster(site, context.signal), carry, context.progress) };
      } catch (error) {
        throw recoveryError(error);
      }
    });
  },
  render: ({ data: { backup, at, keys_after, safety, duration_ms } }) =>
    `Redis holds ${backup}, the state of ${at}: ${plural(keys_after, 'key')}, in ${(duration_ms / 1000).toFixed(1)} s.
What was there before is in ${safety}.
`,
});
