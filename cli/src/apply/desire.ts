import { contentsArchive } from '@psa/appliance/contents/archive';
import { contentsOf } from '@psa/appliance/contents/contents';
import { newSecrets, secretNames } from '@psa/appliance/contents/secrets';
import { EPOCH } from '@psa/appliance/parts/edge-watch';
import { FOLLOWS, follows } from '@psa/appliance/parts/standby-settings';
import { type Desired, desiredOf } from '@psa/appliance/plan/desired';
import { selfSignedEdge } from '../site/certificate.ts';
import { readDeployed } from '../site/deployed.ts';
import { readDrState } from '../site/dr-state.ts';
import type { SecretRecord } from '../site/folder.ts';
import { wantedSchedule } from '../site/ops-mark.ts';
import type { KnownSite } from '../site/site.ts';

/** What a plan may do beyond the ordinary. */
export interface DesireOptions {
  /** Data containers that may be made anew. */
  readonly recreate: readonly string[];
  readonly removeData: boolean;
  /** `later`: what runs by the clock is left as it is; a failover must not wait for it. */
  readonly schedule?: 'later';
}

/** Everything that shall be on a site. Secrets that are not there yet are made up and not kept: only a plan needs them. */
export async function desire(site: KnownSite, options: DesireOptions): Promise<Desired> {
  const { inventory } = site;
  const missing = missingSecrets(site, await site.folder.secrets());
  const secrets: SecretRecord = {
    ...{ tls_pem: 'none yet', ...missing.made, ...missing.known },
    ...(await placeOf(site)),
  };
  return desiredOf(inventory, site.site, {
    ...options,
    deployed: await readDeployed(site.folder.path),
    follows: follows(secrets),
    schedule: options.schedule === 'later' ? null : await wantedSchedule(site),
    digestOf: (container) => contentsArchive(contentsOf(inventory, site.site, container, secrets)).digest,
  });
}

/** The site's place in its pair; no secret, and told the contents as they are. */
const placeOf = async ({ folder }: KnownSite): Promise<SecretRecord> => {
  const { epoch, role } = await readDrState(folder);
  return { [EPOCH]: String(epoch), ...(role === 'following' && { [FOLLOWS]: 'yes' }) };
};

/** Makes the secrets that are missing, once and for all; what containers are told comes with them. Call it with the lock held. */
export const ensureSecrets = async (site: KnownSite): Promise<SecretRecord> => ({
  ...(await writeMissing(site)),
  ...(await placeOf(site)),
});

async function writeMissing(site: KnownSite): Promise<SecretRecord> {
  const { made, known } = missingSecrets(site, await site.folder.secrets());
  const needsCertificate = !known.tls_pem;
  if (Object.keys(made).length === 0 && !needsCertificate) return known;
  const { domain, data } = site.inventory;
  const whole = {
    ...made,
    ...known,
    ...(needsCertificate
      ? { tls_pem: await selfSignedEdge(domain, [data.haproxy.virtual_address, '127.0.0.1']) }
      : {}),
  };
  await site.folder.writeSecrets(whole);
  return whole;
}

/** Empty ones wait for people to give them a value. */
function missingSecrets(site: KnownSite, all: SecretRecord): { made: SecretRecord; known: SecretRecord } {
  const known = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  const names = secretNames(site.inventory).filter((name) => !(name in all));
  const made = Object.fromEntries(Object.entries(newSecrets(names)).filter(([, value]) => value !== ''));
  return { made, known };
}
