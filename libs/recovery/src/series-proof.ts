import type { ShelvedBackup } from './shelf.ts';

/** What is known of a series of backups: how old its newest good one is, and its newest proven one. */
export interface SeriesProof {
  /** `database`, `container-300` */
  readonly series: string;
  /** The newest good one; null: there is none. */
  readonly newest: { readonly id: string; readonly at: string } | null;
  /**
   * The newest one that restored, when it was made, and when it was restored; null: none of the series ever was. What is lost
   * since `at` is what nobody has shown can be had again.
   */
  readonly proven: { readonly id: string; readonly at: string; readonly proven_at: string } | null;
  /** Those that were restored and are not what they should be. */
  readonly failed: readonly string[];
}

/** What `seriesProofs` looks at. */
export type Provable = Pick<ShelvedBackup, 'id' | 'series' | 'at' | 'state' | 'proof' | 'failure'>;

/**
 * The series of a list of backups, by name, with what is proven of each.
 * @param backups the newest first
 */
export function seriesProofs(backups: readonly Provable[]): readonly SeriesProof[] {
  return [...Map.groupBy(backups, ({ series }) => series)]
    .map(([series, all]): SeriesProof => {
      const newest = all.find(({ state }) => state === 'good');
      // One that is gone proves nothing any more.
      const proven = all.find(
        ({ state, proof }) => (state === 'good' || state === 'elsewhere') && proof !== null,
      );
      return {
        series,
        newest: newest ? { id: newest.id, at: newest.at } : null,
        proven: proven ? { id: proven.id, at: proven.at, proven_at: proven.proof!.at } : null,
        failed: all.filter(({ failure }) => failure !== null).map(({ id }) => id),
      };
    })
    .toSorted((a, b) => (a.series < b.series ? -1 : 1));
}
