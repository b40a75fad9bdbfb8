import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exchanges } from './golden.test-helper.ts';
import { isOnlyRequested, parseUpid, printUpid } from './upid.ts';

const recorded = exchanges.flatMap(({ task }) => (task ? [task.first] : []));

describe('UPID', () => {
  it('reads every recorded one as the API itself does, and prints it as it was', () => {
    expect(recorded.length).toBeGreaterThan(40);
    for (const { upid, node, type, ...rest } of recorded) {
      const parsed = parseUpid(upid)!;
      expect(printUpid(parsed)).toBe(upid);
      const { user, tokenid, pid, pstart, starttime, id } = rest as unknown as Record<string, unknown>;
      expect(parsed).toEqual({
        node,
        type,
        pid,
        pstart,
        startTime: starttime,
        id,
        user: tokenid === undefined ? user : `${user}!${tokenid}`,
      });
    }
  });

  it('comes back as it was printed', () => {
    const word = fc.stringMatching(/^[^:\s]+$/);
    const number = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(
        fc.record({
          node: fc.stringMatching(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/),
          pid: number,
          pstart: fc.integer({ min: 0, max: 0xf_ffff_ffff }),
          startTime: number,
          type: word,
          id: fc.oneof(fc.constant(''), word),
          user: word,
        }),
        (upid) => {
          expect(parseUpid(printUpid(upid))).toEqual(upid);
        },
      ),
    );
  });

  it.each(['OK', '', 'UPID:foo', null, 5, 'UPID:pve1:000000EA:00023F33:6B016998:vzcreate:101:root@pam!full'])(
    '%j is none',
    (text) => {
      expect(parseUpid(text)).toBeNull();
    },
  );

  it('tells what is only requested from what is done', () => {
    const of = (type: string) => ({ ...parseUpid(recorded[0]!.upid)!, type });
    expect(['hastart', 'hastop', 'hamigrate', 'harelocate'].every((type) => isOnlyRequested(of(type)))).toBe(
      true,
    );
    expect(['vzstart', 'vzmigrate', 'imgcopy'].some((type) => isOnlyRequested(of(type)))).toBe(false);
  });
});
