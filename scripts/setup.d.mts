/** First id of the machine that containers' ids are mapped to, and how many there are. */
export const CONTAINER_IDS: readonly [first: number, count: number];
/** The folders of the packages of a lock file that a purpose needs on Linux on x64 with glibc. */
export function packagesFor(
  wanted: Readonly<Record<string, object>>,
  purpose: 'start' | 'all',
): readonly string[];
/** True when lines of /etc/subuid let root give away all ids of containers. `text`: see subuid(5). */
export function grantsContainerIds(text: string): boolean;
