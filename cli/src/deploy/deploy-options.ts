import type { Option } from '../command.ts';
import { CliError, usage } from '../errors.ts';
import type { KnownSite, SiteOptions } from '../site/site.ts';
import type { Prepared, Wanted } from './prepare.ts';

export interface RolloutOptions extends SiteOptions {
  readonly drainSeconds: number;
  readonly readySeconds: number;
  readonly proveSeconds: number;
  readonly notify?: string;
  readonly force?: boolean;
  readonly yes?: boolean;
}

const seconds = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 3600) throw new Error('Give seconds, from 0 to 3600.');
  return value;
};

/** What deploy and rollback have in common. */
export const ROLLOUT_OPTIONS: readonly Option[] = [
  {
    flags: '--drain-seconds <seconds>',
    description: 'how long requests under way may take before a replica is restarted all the same',
    default: 30,
    parse: seconds,
  },
  {
    flags: '--ready-seconds <seconds>',
    description: 'how long a replica may take until it is ready',
    default: 90,
    parse: seconds,
  },
  {
    flags: '--prove-seconds <seconds>',
    description: 'how long all replicas must keep up after the last one, else it goes back',
    default: 10,
    parse: seconds,
  },
  {
    flags: '--notify <url>',
    description: 'webhook that is told how it went (else PSA_NOTIFY_URL)',
    parse: (text) => {
      if (!URL.canParse(text) || !/^https?:/.test(text)) throw new Error('Give an http(s) address.');
      return text;
    },
  },
  { flags: '--force', description: 'go on although replicas or PostgreSQL are ill' },
];

/** The services of the arguments; all of the inventory without any. */
export function servicesOf(known: KnownSite, args: readonly string[]): readonly string[] {
  const all: readonly string[] = known.inventory.services.map((one) => one.name);
  const wrong = args.find((one) => !all.includes(one));
  if (wrong !== undefined)
    throw usage(`Unable to find the service "${wrong}".`, `Known are: ${all.join(', ')}.`);
  return args.length === 0 ? all : all.filter((one) => args.includes(one));
}

/** @throws when the preflight found something that stops the deploy */
export function refuseIll({ plan }: Prepared): void {
  const failed = plan.checks.filter((one) => one.result === 'failed');
  if (failed.length === 0) return;
  throw new CliError('Unable to begin: the site is not fit for it.', {
    code: 'PREFLIGHT_FAILED',
    details: failed.map((one) => ({ field: one.check, message: one.detail })),
    fix: `Mend these ("psactl status" and "psactl doctor" say more; "psactl apply" makes what is missing)${failed.every((one) => one.forcible) ? ', or go on all the same with --force' : ''}.`,
  });
}

/** The question to ask; null when nobody will notice. */
export function outageQuestion({ plan }: Prepared): string | null {
  const outage = plan.checks.find((one) => one.check === 'no outage' && one.result === 'warning');
  return outage ? `There will be an outage: ${outage.detail}. Go on?` : null;
}

/** @throws when it would do something else than what was shown: another psactl was at work in between */
export function refuseChanged(
  shown: { readonly wanted: Wanted; readonly prepared: Prepared },
  now: { readonly wanted: Wanted; readonly prepared: Prepared },
  isAgreed: boolean,
): void {
  const textOf = ({ wanted: { to } }: typeof now) =>
    Object.entries(to)
      .map(([service, release]) => `${service} ${release}`)
      .sort()
      .join(', ');
  const outage = outageQuestion(now.prepared);
  const isNew = !isAgreed && outage !== null && outage !== outageQuestion(shown.prepared);
  const why =
    textOf(shown) !== textOf(now)
      ? `It was to go to ${textOf(shown)}, and would go to ${textOf(now)} now.`
      : isNew
        ? outage.replace(/ Go on\?$/, '')
        : null;
  if (why === null) return;
  throw new CliError(`Unable to begin: the site has changed since the ${now.wanted.action} was shown.`, {
    why,
    fix: 'Run it again and look at the new plan.',
  });
}
