import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GuestConf, newConf, parseConf, printConf } from './guest-conf.ts';

const conf: GuestConf = {
  values: { arch: 'amd64', description: 'managed: ünïts\nsecond line\n', hostname: 'ct101', memory: '256' },
  pending: { features: 'nesting=1' },
  pendingDelete: ['nameserver', 'swap'],
  snapshots: { before: { hostname: 'ct101', snaptime: '1795254680' }, after: { hostname: 'new' } },
};

describe('a configuration file', () => {
  it('is written as Proxmox VE writes it', () => {
    expect(printConf(conf)).toBe(
      [
        '#managed%3A %C3%BCn%C3%AFts',
        '#second line',
        'arch: amd64',
        'hostname: ct101',
        'memory: 256',
        '',
        '[pve:pending]',
        'delete: nameserver,swap',
        'features: nesting=1',
        '',
        '[after]',
        'hostname: new',
        '',
        '[before]',
        'hostname: ct101',
        'snaptime: 1795254680',
        '',
      ].join('\n'),
    );
  });

  it('is read as it was written', () => {
    expect(parseConf(printConf(conf))).toEqual(conf);
    expect(parseConf(printConf(newConf({ lock: 'create' })))).toEqual(newConf({ lock: 'create' }));
  });

  it('keeps every description', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const description = `${text.replace(/\n+$/, '')}\n`;
        expect(parseConf(printConf(newConf({ description }))).values.description).toBe(description);
      }),
    );
  });
});
