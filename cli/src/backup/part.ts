import type { BackupItem } from '@psa/appliance/inventory/operations-schema';
import { type ArtefactSource, type Written, writeArtefact } from '@psa/recovery/artefact';
import {
  type ArtefactKind,
  artefactFile,
  artefactId,
  isSealed,
  parseArtefactId,
} from '@psa/recovery/artefact-name';
import type { SiteManifest } from '@psa/recovery/manifest';
import type { Cluster } from '../site/cluster.ts';
import { type Generation, siteNameOf } from '../site/generations.ts';

/** A run that is under way. */
export interface Run {
  readonly cluster: Cluster;
  readonly generation: Generation;
  /** `20261130T020000Z-3f9a2c` */
  readonly id: string;
  /** What is encrypted to: public age keys. */
  readonly recipients: readonly string[];
  /** Bytes per second of each part; null: as fast as it goes. */
  readonly limit: number | null;
  /** It takes processor and disk only when nobody else wants them. Absent: somebody waits for it. */
  readonly isLow?: boolean;
  /** What is about to be overwritten: of no generation, and never "the latest". */
  readonly isSafety?: boolean;
  /** Of each series the backups that are there and dated later than this run: a clock was set back. Absent: none was. */
  readonly later?: ReadonlyMap<string, readonly string[]>;
}

/** One thing that a run takes. */
export interface Part {
  readonly item: BackupItem;
  /** For people: `psa-postgres-1 (CT 300)`, `database` */
  readonly name: string;
  /** How it is taken, as far as that is known before: `snapshot on local-lvm`. */
  readonly how: string;
  /** Why it is left out; null: it is taken. */
  readonly skip: string | null;
  /** @returns its manifest; null: what is there already is the same */
  take(run: Run): Promise<SiteManifest | null>;
}

/** What the manifest of a part says beside what every one does. */
type Own = Partial<
  Pick<SiteManifest, 'from' | 'version' | 'lsn' | 'databases' | 'mode' | 'warnings' | 'content_bytes'>
>;

/** What every manifest of a run has. */
export function manifestBase(run: Run, kind: Exclude<ArtefactKind, 'embedded'>, id: string, at: Date) {
  const after = run.later?.get(parseArtefactId(id)!.series);
  return {
    ...(after && { after }),
    ...{ manifest: 1 as const, id, kind, site: siteNameOf(run.cluster.site), run: run.id },
    ...{
      tier: run.isSafety ? null : run.generation.name,
      at: at.toISOString(),
      from: {},
      version: null,
      warnings: [],
    },
  } as const;
}

/** Streams a part into the folder of the run's generation, and reads it back. */
export async function takeFile(
  run: Run,
  kind: Exclude<ArtefactKind, 'embedded' | 'container' | 'deploy' | 'pitr'>,
  source: Pick<ArtefactSource<Own>, 'fill' | 'fillFile' | 'inspect'>,
): Promise<SiteManifest> {
  const id = artefactId(kind, run.id);
  const recipients = isSealed(kind) ? run.recipients : [];
  const at = new Date();
  return writeArtefact<Own>({
    ...{ ...source, file: `${run.generation.folder}/${artefactFile(id)}`, recipients, limit: run.limit },
    describe: ({ sum, filled, duration_ms, read_back_ms, verified_at, ...own }: Own & Written) => ({
      ...{ ...manifestBase(run, kind, id, at), content_bytes: filled, ...own },
      ...{ ...sum, duration_ms, read_back_ms, verified_at, recipients },
    }),
  });
}
