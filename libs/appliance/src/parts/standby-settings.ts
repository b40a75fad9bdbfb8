import type { Secrets } from '../contents/secret.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';

/** Where the edge of the site that serves gives the other site what is in its repository; its `ops` hears it there, too. */
export const FEED_PORT = 8433;
/** The name under which contents are told that their site follows the other one, among the secrets: `yes`. */
export const FOLLOWS = 'site_follows';
/** On the standby's `ops`: where the follower writes down how far it is. */
export const FOLLOW_STATE = '/var/lib/psa-follow';
/** On the primary's `ops`: where it is written down what the standby said of itself when it asked last. */
export const FEED_STATE = '/var/lib/psa-feed';
/** On the standby's `ops`: brings what is new of the other site's repository. */
export const FOLLOW = '/usr/local/sbin/psa-follow';
export const FOLLOW_UNITS = ['psa-follow-log.service', 'psa-follow-copies.service'] as const;
/** Between two rounds: of the log, and of the copies that it goes on from. */
export const FOLLOW_SECONDS = { log: 10, copies: 300 } as const;
/** So old a piece of the log becomes at most before it is handed over, where another site follows, in seconds. */
export const WARM_ARCHIVE_SECONDS = 30;

/** Whether the database of the standby site follows all the time. */
export const isWarm = ({ dr }: Pick<Inventory, 'dr'>): boolean => dr?.kind === 'warm';

/** Whether a site gives the other one its repository. */
export const feeds = ({ dr }: Pick<Inventory, 'dr'>, { name }: Pick<Site, 'name'>): boolean =>
  dr?.kind === 'warm' && dr.primary === name;

/** Whether these are contents of a site that follows. */
export const follows = (secrets: Secrets): boolean => secrets[FOLLOWS] === 'yes';

/** Host and port of `dr.feed`; null: nothing follows. */
export function feedOf({
  dr,
}: Pick<Inventory, 'dr'>): { readonly host: string; readonly port: number } | null {
  const [, host, port] = /^(.+):(\d+)$/.exec((dr?.kind === 'warm' && dr.feed) || '') ?? [];
  return host === undefined ? null : { host, port: Number(port) };
}

/**
 * Whether what runs in a group's containers stands still while their site follows: everything is installed, and nothing of
 * it started. The database, the repository and what is empty without the services (cache and broker) run.
 * @param isService of the platform
 */
export const isAsleep = (group: string, isService: boolean): boolean =>
  isService || group === 'haproxy' || group === 'monitoring';
