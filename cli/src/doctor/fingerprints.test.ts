import { describe, expect, it } from 'vitest';
import {
  areApart,
  certificateFinding,
  parseFingerprints,
  refuseStrangers,
  type SeenCertificate,
  verdictOf,
} from './fingerprints.ts';

const [OLD, NEW] = ['AA', 'BB'].map((byte) => Array(32).fill(byte).join(':')) as [string, string];
const seen = (more: Partial<SeenCertificate> = {}): SeenCertificate => ({
  ...{ node: 'pve2', address: '10.0.10.12:8006', field: 'sites[0].nodes[1].fingerprint', known: null },
  ...{
    shown: { fingerprint: NEW, isTrusted: false, doubt: 'SELF_SIGNED_CERT_IN_CHAIN', clusterCa: 'one' },
    trouble: null,
  },
  ...more,
});

describe('the certificate of a node', () => {
  it.each([
    // What the inventory has, whether a CA vouches for it, what somebody gave: what follows.
    [null, false, undefined, 'ask'],
    [null, true, undefined, 'trust'],
    [null, false, NEW, 'write'],
    [null, true, NEW, 'write'],
    [null, false, OLD, 'refuse'],
    [NEW, false, undefined, 'trust'],
    [NEW, false, NEW, 'trust'],
    [NEW, false, OLD, 'refuse'],
    // Changed: not even a CA that vouches for it makes it the one that was compared.
    [OLD, false, undefined, 'refuse'],
    [OLD, true, undefined, 'refuse'],
    [OLD, false, NEW, 'write'],
  ] as const)('known %s, vouched for %s, given %s: %s', (known, isTrusted, given, verdict) => {
    const one = seen({
      known,
      shown: { fingerprint: NEW, isTrusted, doubt: isTrusted ? null : 'X', clusterCa: null },
    });
    expect(verdictOf(one, given)).toBe(verdict);
    expect(certificateFinding(one, given).result).toBe(
      verdict === 'trust' || verdict === 'write' ? 'ok' : 'failed',
    );
  });

  it('is said with what is shown, where it belongs, what to compare it with and the line that writes it', () => {
    const { detail, fix } = certificateFinding(seen(), undefined);
    expect(detail).toContain(`10.0.10.12:8006 shows ${NEW}`);
    expect(detail).toContain('sites[0].nodes[1].fingerprint is not set');
    expect(fix).toContain('on pve2 itself: pvenode cert info');
    expect(fix).toContain(`psactl doctor --fingerprint pve2=${NEW}`);
    const silent = certificateFinding(seen({ shown: null, trouble: 'connect ECONNREFUSED' }), undefined);
    expect(silent).toMatchObject({ result: 'failed', detail: expect.stringContaining('ECONNREFUSED') });
  });

  it('of nodes that are no cluster yet will be another: each has a CA of its own', () => {
    const of = (...cas: readonly (string | null)[]) =>
      areApart(cas.map((clusterCa) => ({ ...seen().shown!, clusterCa })));
    expect([of('one', 'two', 'three'), of('one', null, 'two')]).toEqual([true, true]);
    // One cluster, a CA of the owner's own, nodes that do not answer.
    expect([of('one', 'one', 'one'), of('one', null), of(null, null), of()]).toEqual(Array(4).fill(false));
    expect(certificateFinding(seen({ known: OLD }), undefined).fix).toContain('has joined the cluster since');
  });

  it('is given by node', () => {
    expect(parseFingerprints(`pve1=${OLD}, pve2=${NEW.toLowerCase()}`)).toEqual(
      new Map([
        ['pve1', OLD],
        ['pve2', NEW],
      ]),
    );
    for (const wrong of ['', 'pve1', `pve1=${OLD}:AA`, `pve1=${OLD.slice(3)}`])
      expect(() => parseFingerprints(wrong)).toThrow(/is not of the form/);
  });
});

it('refuses the fingerprint of a node that is not there', () => {
  const given = parseFingerprints(`pve22=${NEW}`);
  expect(() => refuseStrangers(given, ['pve1', 'pve2'])).toThrow('fingerprint of "pve22"');
  expect(() => refuseStrangers(given, ['pve22'])).not.toThrow();
});
