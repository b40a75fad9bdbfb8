import { describe, expect, it } from 'vitest';
import { readLook } from './replicas.ts';

describe('what a replica says', () => {
  it('is its releases, its version, whether it is ready, and its room', () => {
    expect(
      readLook(`current 0.2.0
installed 0.1.0
installed 0.2.0
free 1024
health {"status":"ok","service":"crm","version":"0.2.0","uptime_seconds":3}
ready {"status":"ready","service":"crm","checks":{}} 200
`),
    ).toEqual({
      ...{ release: '0.2.0', installed: ['0.1.0', '0.2.0'], running: '0.2.0' },
      ...{ ready: true, why: '', free: 1_048_576 },
    });
  });

  it('names what it waits for', () => {
    const text = `current 0.2.0
health {"version":"0.2.0"}
ready {"checks":{"database":{"status":"ok"},"bus":{"status":"failed","error":"no answer"}}} 503
`;
    expect(readLook(text)).toMatchObject({ ready: false, why: 'bus: no answer' });
  });

  it('is little when it does not run, and nothing when it is new', () => {
    expect(readLook('current none\nfree \nhealth \nready  000\n')).toEqual({
      ...{ release: null, installed: [], running: null },
      ...{ ready: false, why: 'nothing answers at its port', free: null },
    });
  });
});
