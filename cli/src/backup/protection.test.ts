import { describe, expect, it } from 'vitest';
import { tooManyProtected } from './protection.ts';

describe('protected backups of a guest', () => {
  const of = (vmid: number, count: number, isProtected: boolean) =>
    Array.from({ length: count }, (_, n) => ({
      ...{ volid: `nas:backup/${isProtected ? 'kept' : 'free'}-${vmid}-${n}`, vmid },
      protected: isProtected ? 1 : 0,
    }));
  const volumes = [...of(300, 5, true), ...of(300, 2, false), ...of(320, 4, true), ...of(320, 2, false)];
  const facts = { configured: undefined, owns: false, volumes };
  const free = (vmid: number, n = 0) => `nas:backup/free-${vmid}-${n}`;

  it('are five at most on a storage, each guest for itself', () => {
    expect(tooManyProtected(facts, new Set([free(300)]))).toMatchObject([{ vmid: 300, limit: 5 }]);
    expect(tooManyProtected(facts, new Set([free(320)]))).toEqual([]);
    expect(tooManyProtected(facts, new Set([free(320), free(320, 1)]))).toMatchObject([
      { vmid: 320, protected: of(320, 4, true).map(({ volid }) => volid) },
    ]);
  });

  it('are as many as the storage says, and any number for who owns one that says nothing', () => {
    const wanted = new Set([free(300), free(320)]);
    expect(tooManyProtected({ ...facts, configured: 6 }, wanted)).toEqual([]);
    for (const configured of [-1, undefined])
      expect(tooManyProtected({ ...facts, configured, owns: true }, wanted)).toEqual([]);
    expect(tooManyProtected({ ...facts, configured: 0, owns: true }, wanted)).toHaveLength(2);
  });

  it('that are protected already are no more than they were', () => {
    expect(tooManyProtected(facts, new Set(of(300, 5, true).map(({ volid }) => volid)))).toEqual([]);
  });
});
