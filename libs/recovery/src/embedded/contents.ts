/** The archive's last entry: what is in it. */
export const CONTENTS = 'psa-backup.json';

/** What an archive of the platform in one process says of itself. */
export interface Contents {
  readonly contents: 1;
  readonly id: string;
  readonly at: string;
  /** The platform's release. */
  readonly version: string;
  /** `15.18` */
  readonly postgres: string;
  readonly lsn: { readonly start: string; readonly stop: string };
}

/** @returns null: it is none */
export function parseContents(text: string): Contents | null {
  try {
    const read = JSON.parse(text) as Contents;
    return read.contents === 1 && typeof read.id === 'string' && typeof read.lsn?.stop === 'string'
      ? read
      : null;
  } catch {
    return null;
  }
}
