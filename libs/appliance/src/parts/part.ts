import type { SecretFact, Secrets } from '../contents/secret.ts';
import type { Container } from '../inventory/expand.ts';
import type { Data, Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';

/** A connection without which the platform does not work. */
export interface Need {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly why: string;
}

/** An alert of Prometheus. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: 'critical' | 'warning'; readonly group?: string };
  readonly annotations: {
    readonly summary: string;
    /** What to do first. */
    readonly runbook: string;
  };
}

/** What a member answered to its part's probe. */
export interface Answer {
  readonly container: Container;
  readonly text: string;
}

/** A data part: everything that is known of it. What it means for others is derived from these records. */
export interface Part {
  /** What listens in it: name → port. */
  readonly ports: Readonly<Record<string, number>>;
  /** What Prometheus reads of each member. */
  readonly jobs: readonly { readonly name: string; readonly port: number; readonly why: string }[];
  /** Its members vote, so their number is odd, and one that is away is told of. */
  readonly votes: boolean;
  /** Its name inside the appliance: of the virtual address, of each member, or none. */
  readonly dns: 'edge' | 'members' | null;
  /** Why the virtual address has its name. */
  readonly dnsWhy?: string;
  readonly secrets: Readonly<Record<string, SecretFact>>;
  /** Connections to it and from it, beside those of Prometheus. */
  needs(inventory: Inventory, parts: Parts): readonly Need[];
  contents(place: Place): Contents;
  /** A script for sh that asks a member how it and the part are. */
  probe(inventory: Inventory, container: Container): string;
  /** What is wrong with the part as a whole, as its running members answered; null when nothing is. */
  trouble(inventory: Inventory, answers: readonly Answer[]): string | null;
  alerts(inventory: Inventory): readonly Alert[];
}

/** All data parts. Told to those that follow from the others, which must not ask for themselves in a circle. */
export type Parts = Readonly<Record<keyof Data, Part>>;

/** A file as it shall stand in a container. */
export interface ContentFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** `user:group` */
  readonly owner: string;
  /** Never shown: it holds a password or a key. */
  readonly secret?: boolean;
}

/** A systemd unit that shall run. */
export interface ContentUnit {
  readonly name: string;
  /** What makes it take over a change of one of its files. */
  readonly onChange: 'restart' | 'reload';
  readonly paths: readonly string[];
}

/** What stands in a container beside its template. */
export interface Contents {
  readonly files: readonly ContentFile[];
  /** In the order in which they start. */
  readonly units: readonly ContentUnit[];
}

/** What the contents of one container follow from. */
export interface Place {
  readonly inventory: Inventory;
  readonly site: Site;
  readonly container: Container;
  readonly secrets: Secrets;
  readonly parts: Parts;
  /** The containers of a group. */
  of(group: string): readonly Container[];
}

/** A file that everybody in the container may read. */
export const plainFile = (path: string, text: string): ContentFile => ({
  path,
  text,
  mode: 0o644,
  owner: 'root:root',
});

/** A program of ours. */
export const script = (path: string, text: string): ContentFile => ({
  path,
  text,
  mode: 0o755,
  owner: 'root:root',
});

/** A file with a secret, for one user alone. */
export const secretFile = (path: string, text: string, user = 'root'): ContentFile => ({
  path,
  text,
  mode: 0o600,
  owner: `${user}:${user}`,
  secret: true,
});

/** systemd gives a unit up for good that has failed five times in ten seconds. */
const NEVER_GIVEN_UP = `
[Unit]
# What it needs may come much later, as after all nodes have lost their power.
StartLimitIntervalSec=0
`;

/** What a unit of Debian does otherwise here: it is started again as long as it takes. A change of it restarts the unit. */
export const dropIn = (unit: string, text: string): ContentFile =>
  plainFile(`/etc/systemd/system/${unit}.d/psa.conf`, `${text}${NEVER_GIVEN_UP}`);

/** An alert of a group. */
export function alert(
  name: string,
  severity: 'critical' | 'warning',
  expr: string,
  lasting: string,
  texts: Alert['annotations'],
  group?: string,
): Alert {
  return {
    alert: name,
    expr,
    for: lasting,
    labels: { severity, ...(group && { group }) },
    annotations: texts,
  };
}
