/** Pieces of a log that are missing between two that are there. */
export interface WalGap {
  /** `000000010000000000000005` */
  readonly from: string;
  readonly to: string;
}

/** Pieces of 16 MiB: so many have the same middle part of their name (PostgreSQL, `XLogSegmentsPerXLogId`). */
const PER_ID = 256;
const SEGMENT_BYTES = 16 * 1024 ** 2;
const NAME = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})/;

interface Segment {
  readonly timeline: number;
  /** Where it stands in the log, in pieces from its beginning. */
  readonly number: number;
}

/** What the name of a piece says; null: it is no whole piece's (a history, a label, a part). */
function segmentOf(file: string): Segment | null {
  const name = file.split('/').at(-1)!;
  const [whole, timeline, id, low] = NAME.exec(name) ?? [];
  // pgBackRest writes a piece's sum behind it: `…07-e2e6….zst`.
  if (whole === undefined || !/^(-[0-9a-f]{40}(\.\w+)?)?$/.test(name.slice(24))) return null;
  const number = Number.parseInt(id!, 16) * PER_ID + Number.parseInt(low!, 16);
  return { timeline: Number.parseInt(timeline!, 16), number };
}

const nameOf = (timeline: number, number: number): string =>
  [timeline, Math.floor(number / PER_ID), number % PER_ID]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');

/** A line of a `.history` file: up to where a timeline is of the one that the file is named after. */
interface Ancestor {
  readonly timeline: number;
  readonly until: number;
}

/** Lines such as `1<TAB>0/7000148<TAB>no recovery target specified`; empty ones and comments count nothing. */
function readHistory(text: string): readonly Ancestor[] {
  return text.split('\n').flatMap((line) => {
    const [, timeline, high, low] = /^\s*(\d+)\s+([0-9A-F]+)\/([0-9A-F]+)/i.exec(line) ?? [];
    if (timeline === undefined) return [];
    const until = Number.parseInt(high!, 16) * PER_ID + Math.floor(Number.parseInt(low!, 16) / SEGMENT_BYTES);
    return [{ timeline: Number(timeline), until }];
  });
}

/**
 * What is missing of the log between a backup and the newest piece that is there. The way goes along the newest timeline
 * and those that it came from: the piece in which one was left is the next one's. Pure.
 * @param files of the archive, with or without folders
 * @param start the first piece that the backup needs
 * @param history of the newest timeline; empty on the first one
 */
export function walGaps(files: readonly string[], start: string, history = ''): readonly WalGap[] {
  const segments = files.map(segmentOf).filter((one) => one !== null);
  const there = new Set(segments.map(({ timeline, number }) => nameOf(timeline, number)));
  const begin = segmentOf(start);
  if (!begin) throw new TypeError(`"${start}" is no piece of a log`);
  let [newest, last] = [begin.timeline, begin.number];
  for (const { timeline, number } of segments) {
    if (timeline > newest) [newest, last] = [timeline, number];
    else if (timeline === newest) last = Math.max(last, number);
  }
  const way = [
    ...readHistory(history).filter(({ timeline }) => timeline < newest),
    { timeline: newest, until: last + 1 },
  ];
  const gaps: { from: string; to: string }[] = [];
  let number = begin.number;
  for (const { timeline, until } of way) {
    // Of before the backup.
    if (timeline < begin.timeline) continue;
    let isOpen = false;
    for (; number < until; number++) {
      const name = nameOf(timeline, number);
      if (there.has(name)) isOpen = false;
      else if (isOpen) gaps.at(-1)!.to = name;
      else {
        gaps.push({ from: name, to: name });
        isOpen = true;
      }
    }
  }
  return gaps;
}

/** The newest timeline of an archive, as its history file is named: `00000002.history`; null: there is but the first. */
export function newestHistory(files: readonly string[]): string | null {
  const names = files.map((file) => file.split('/').at(-1)!);
  return (
    names
      .filter((name) => /^[0-9A-F]{8}\.history$/.test(name))
      .toSorted()
      .at(-1) ?? null
  );
}
