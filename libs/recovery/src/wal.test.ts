import { describe, expect, it } from 'vitest';
import { newestHistory, walGaps } from './wal.ts';

const sum = '-e2e6fceb4abddd870f2c5030092bdf2d7e0c0bdb.zst';
const piece = (timeline: number, number: number) =>
  [timeline, Math.floor(number / 256), number % 256]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
const pieces = (timeline: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `${piece(timeline, from + at)}${sum}`);

describe('gaps in a log', () => {
  it('are none where each piece follows the other, also across the end of an id', () =>
    expect(walGaps(pieces(1, 250, 260), piece(1, 250))).toEqual([]));

  it('are named from their first piece to their last', () =>
    expect(walGaps([...pieces(1, 1, 4), ...pieces(1, 8, 9), ...pieces(1, 11, 12)], piece(1, 2))).toEqual([
      { from: piece(1, 5), to: piece(1, 7) },
      { from: piece(1, 10), to: piece(1, 10) },
    ]));

  it('before the backup are nobody’s', () =>
    expect(walGaps([...pieces(1, 1, 2), ...pieces(1, 5, 9)], piece(1, 5))).toEqual([]));

  it('the first piece that the backup needs is one', () =>
    expect(walGaps(pieces(1, 6, 9), piece(1, 5))).toEqual([{ from: piece(1, 5), to: piece(1, 5) }]));

  const history = '1\t0/7000148\tno recovery target specified\n';

  it('are looked for along the timelines: the piece in which one was left is the next one’s', () => {
    expect(walGaps([...pieces(1, 2, 6), ...pieces(2, 7, 9)], piece(1, 3), history)).toEqual([]);
    expect(walGaps([...pieces(1, 2, 5), ...pieces(2, 7, 9)], piece(1, 3), history)).toEqual([
      { from: piece(1, 6), to: piece(1, 6) },
    ]);
    expect(walGaps([...pieces(1, 2, 6), ...pieces(2, 8, 9)], piece(1, 3), history)).toEqual([
      { from: piece(2, 7), to: piece(2, 7) },
    ]);
  });

  it('a backup of the newest timeline needs nothing of those before', () =>
    expect(walGaps(pieces(2, 8, 9), piece(2, 8), history)).toEqual([]));

  it('a timeline that was left behind does not count', () => {
    const twice = '1\t0/7000148\tx\n2\t0/9000000\tx\n';
    const files = [...pieces(1, 3, 12), ...pieces(2, 7, 8), ...pieces(3, 9, 10)];
    expect(walGaps(files, piece(1, 3), twice)).toEqual([]);
  });

  it('what is no whole piece is none', () => {
    const files = [
      ...pieces(1, 3, 4),
      `${piece(1, 5)}.partial${sum}`,
      `${piece(1, 5)}.00000028.backup`,
      ...pieces(1, 6, 6),
    ];
    expect(walGaps(files, piece(1, 3))).toEqual([{ from: piece(1, 5), to: piece(1, 5) }]);
  });

  it('the newest history is that of the newest timeline', () => {
    expect(newestHistory(['x/00000002.history', '0000000A.history', '00000003.history'])).toBe(
      '0000000A.history',
    );
    expect(newestHistory(pieces(1, 1, 2))).toBeNull();
  });
});
