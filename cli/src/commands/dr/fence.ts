import { define } from '../../command.ts';
import type { Fenced } from '../../dr/fence.ts';
import { usage } from '../../errors.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';

interface Plan {
  readonly site: string;
  /** The hook of the inventory; null: its API. */
  readonly hook: string | null;
  /** What of it answers now. */
  readonly life: readonly string[];
}

export const drFence = define<SiteOptions, Plan, null, { readonly data: Fenced }>({
  summary: 'Keeps a site from serving: its edge and its services stop, and start no more',
  description: `
By dr.hooks.fence, which takes its power or network; without it by its API: the edge first, then the services. Its data parts go
on, and nobody writes into them but through the edge. This is the first thing to do when a site comes back that was failed
over, and its edge does not watch the other one (dr.edges). psactl then refuses to change it; "psactl dr failback" undoes it.`,
  examples: [
    { run: 'psactl dr fence --site lab --dry-run', note: 'what of it answers, and how it would be stopped' },
  ],
  resume: 'Run it again: it stops what is left.',
  async plan(context) {
    const { options, signal } = context;
    const { needPair, siteNamed } = await import('../../dr/pair.ts');
    const { signsOfLife } = await import('../../dr/life.ts');
    const { dr } = await needPair(context);
    const { site } = options;
    if (site !== dr.primary && site !== dr.standby)
      throw usage(
        'Unable to fence a site that was not named.',
        `Name it: --site ${dr.primary}, or --site ${dr.standby}.`,
      );
    const known = await siteNamed(context, site);
    return {
      data: { site, hook: dr.hooks?.fence ?? null, life: await signsOfLife(known, signal) },
      carry: null,
    };
  },
  confirm: ({ data: { site } }) =>
    `Stop the edge and the services of ${site}? Nobody can use the platform there then.`,
  renderPlan: ({ site, hook, life }) =>
    `Would keep ${site} from serving by ${hook === null ? 'its API' : `the hook: ${hook}`}. ${life.length === 0 ? 'Nothing of it answers.' : `Now: ${life.join(', ')}.`}\n`,
  async apply({ data: { site } }, context) {
    const { fenceSite } = await import('../../dr/fence.ts');
    const { siteNamed } = await import('../../dr/pair.ts');
    return { data: await fenceSite(context, await siteNamed(context, site)) };
  },
  render: ({ data: { site, by, stopped } }) =>
    `${site} no longer serves: ${by === 'hook' ? 'dr.hooks.fence has done it' : `${plural(stopped.length, 'container')} stopped`}.\n`,
});
