import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChainedEntry,
  canonicalJson,
  chainEntry,
  GENESIS_HASH,
  type JsonObject,
  type JsonValue,
  verifyChain,
} from './audit-chain.ts';

function chainOf(entries: readonly JsonObject[]): ChainedEntry[] {
  const chain: ChainedEntry[] = [];
  for (const entry of entries) chain.push(chainEntry(chain.at(-1)?.hash ?? GENESIS_HASH, entry));
  return chain;
}

describe('canonicalJson', () => {
  it('writes the example of RFC 8785, section 3.2.2', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts keys by UTF-16 units, the order of section 3.2.3', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(text).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`);
  });

  it('refuses what JSON does not carry', () => {
    const hidden = (value: unknown): JsonValue => ({ at: [value] }) as unknown as JsonValue;
    for (const value of [Number.NaN, 1n, new Date(0), () => 0, undefined, '\ud800', new Map()]) {
      expect(() => canonicalJson(hidden(value))).toThrow(/Unable to canonicalise \$\.at\[0\]/);
    }
    let deep: JsonValue = 0;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow('deeper than 64 levels');
  });

  it('survives a trip through JSON and the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (json) => {
        const value = json as JsonValue;
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(text);
      }),
    );
  });
});

describe('chainEntry and verifyChain', () => {
  const chain = chainOf([
    { action: 'user.login', actor: 'anna' },
    { action: 'ticket.close', actor: 'ben' },
    { action: 'role.grant', actor: 'anna' },
  ]);

  it('fixes the hash of a known entry', () => {
    // printf '%064d' 0 | xxd -r -p > f; printf '{"a":1,"b":"ü"}' >> f; sha256sum f
    expect(chainEntry(GENESIS_HASH, { b: 'ü', a: 1 }).hash).toBe(
      '589c156a0551fe345e2ec3a5c06a00243fcbaaf9be752f77ac6e92336f27b209',
    );
    expect(() => chainEntry('none', {})).toThrow('64 lower-case hex digits');
  });

  it('accepts a whole chain, in one piece or in parts', () => {
    expect(verifyChain(chain)).toEqual({ ok: true, count: 3, head: chain[2]!.hash });
    expect(verifyChain(chain.slice(2), chain[1]!.hash)).toMatchObject({ ok: true, count: 1 });
    expect(verifyChain([])).toEqual({ ok: true, count: 0, head: GENESIS_HASH });
  });

  it('names the first broken entry', () => {
    const changed = chain.with(1, { ...chain[1]!, entry: { action: 'ticket.close', actor: 'carl' } });
    expect(verifyChain(changed)).toMatchObject({ ok: false, index: 1, reason: 'content_changed' });
    expect(verifyChain([chain[0]!, chain[2]!])).toMatchObject({ ok: false, index: 1, reason: 'link_broken' });
    expect(verifyChain(chain.slice(0, 2), GENESIS_HASH, chain[2]!.hash)).toMatchObject({
      ok: false,
      index: 2,
      reason: 'head_differs',
    });
    // A forger who also recomputes the hash of the entry breaks the link after it.
    const forged = chain.with(0, chainEntry(GENESIS_HASH, { action: 'nothing' }));
    expect(verifyChain(forged)).toMatchObject({ ok: false, index: 1, reason: 'link_broken' });
  });

  it('sees every removal, swap and change, wherever it is', () => {
    const entries = fc.uniqueArray(fc.record({ seq: fc.nat(), text: fc.string() }), {
      minLength: 2,
      maxLength: 12,
      selector: (e) => e.seq,
    });
    fc.assert(
      fc.property(entries, fc.nat(), (rows, n) => {
        const whole = chainOf(rows);
        const head = whole.at(-1)!.hash;
        const at = n % whole.length;
        expect(verifyChain(whole, GENESIS_HASH, head).ok).toBe(true);
        expect(verifyChain(whole.toSpliced(at, 1), GENESIS_HASH, head)).toMatchObject({
          ok: false,
          index: at,
        });
        const edited = whole.with(at, { ...whole[at]!, entry: { ...rows[at]!, seq: -1 } });
        expect(verifyChain(edited)).toMatchObject({ ok: false, index: at, reason: 'content_changed' });
        if (at > 0) {
          const swapped = whole.with(at, whole[at - 1]!).with(at - 1, whole[at]!);
          expect(verifyChain(swapped)).toMatchObject({ ok: false, index: at - 1, reason: 'link_broken' });
        }
      }),
    );
  });
});
