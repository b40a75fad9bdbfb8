import { randomBytes } from 'node:crypto';
import { parseArtefactId } from '../artefact-name.ts';

/**
 * What a copy consists of on a remote. Its receipt is written last, so one without it was never finished; nothing is ever
 * written over, so an attempt that failed leaves what it had under its own name.
 */
export type CopyPart = 'content' | 'manifest' | 'receipt';

const SUFFIX: Readonly<Record<CopyPart, string>> = {
  content: 'age',
  manifest: 'manifest.age',
  receipt: 'receipt.json',
};

/** A new attempt's name: eight hexadecimal digits. */
export const newAttempt = (): string => randomBytes(4).toString('hex');

/** `database-20261130T020000Z-3f9a2c.8c1d02e7.age` */
export const copyName = (id: string, attempt: string, part: CopyPart): string =>
  `${id}.${attempt}.${SUFFIX[part]}`;

/** What an object's name says; null: it is no part of a copy. */
export function parseCopyName(
  name: string,
): { readonly id: string; readonly attempt: string; readonly part: CopyPart } | null {
  const [, id, attempt, suffix] = /^([^.]+)\.([0-9a-f]{8})\.(.+)$/.exec(name) ?? [];
  const part = (Object.keys(SUFFIX) as CopyPart[]).find((one) => SUFFIX[one] === suffix);
  return id && attempt && part && parseArtefactId(id) ? { id, attempt, part } : null;
}
