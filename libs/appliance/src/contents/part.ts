import type { Container } from '../inventory/expand.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import type { Secrets } from './secrets.ts';

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

/** What a unit of Debian does otherwise here. A change of it restarts the unit. */
export const dropIn = (unit: string, text: string): ContentFile =>
  plainFile(`/etc/systemd/system/${unit}.d/psa.conf`, text);
