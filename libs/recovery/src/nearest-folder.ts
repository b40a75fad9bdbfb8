import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** A folder, or the nearest one above it that is there: the disk that something will come onto. */
export function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}
