import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import type { Rollout } from '@psa/appliance/deploy/rollout';
import { type SiteFolder, writeWhole } from './folder.ts';

/** A rollout that has begun and not ended: what a later run must know to end it. */
export interface RolloutJournal {
  readonly id: string;
  readonly action: 'deploy' | 'rollback' | 'apply';
  readonly startedAt: string;
  /** `prepare`: nobody's traffic was touched yet. */
  readonly phase: 'prepare' | 'roll';
  readonly rollout: Rollout;
  readonly backup: string | null;
}

/** A name for a rollout that begins now. */
export const rolloutId = (action: RolloutJournal['action'], version: string): string =>
  `${new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)}-${randomBytes(2).toString('hex')}-${action}-${version}`;

const NAME = 'rollout-journal.json';
/** What an earlier psactl called the one of a deploy or rollback. It is read, and goes with the next that is written. */
const EARLIER = 'deploy.json';

/** The one that has not ended; null when there is none. */
export async function readRolloutJournal(folder: SiteFolder): Promise<RolloutJournal | null> {
  for (const name of [NAME, EARLIER]) {
    const text = await readFile(folder.file(name), 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (text !== null) return JSON.parse(text) as RolloutJournal;
  }
  return null;
}

/** Writes it before what it says is done. Call it with the lock held. */
export async function writeRolloutJournal(folder: SiteFolder, journal: RolloutJournal): Promise<void> {
  await writeWhole(folder.file(NAME), `${JSON.stringify(journal, null, 2)}\n`, 0o600);
  await rm(folder.file(EARLIER), { force: true });
}

/** It has ended. */
export async function endRolloutJournal(folder: SiteFolder): Promise<void> {
  // The earlier one first: it must not be all that is left.
  await rm(folder.file(EARLIER), { force: true });
  await rm(folder.file(NAME), { force: true });
}
