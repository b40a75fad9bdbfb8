import { describe, expect, it } from 'vitest';
import { baseBackupType, baseFor, pitrWindow, readRepositoryInfo, readVerification } from './pitr.ts';

/** As pgBackRest 2.45 prints it. */
const INFO = `[{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000020000000000000007","min":"000000010000000000000001"}],
"backup":[{"annotation":{"psa-run":"20261130T020000Z-3f9a2c"},"archive":{"start":"000000010000000000000006","stop":"000000010000000000000006"},"backrest":{"format":5,"version":"2.45"},
"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":30544392,"repository":{"delta":3793664,"size":3793664},"size":30544392},"label":"20261130-195635F",
"lsn":{"start":"0/6000028","stop":"0/6000160"},"prior":null,"reference":null,"timestamp":{"start":1796068595,"stop":1796068600},"type":"full"},
{"archive":{"start":"000000020000000000000008","stop":"000000020000000000000008"},"error":false,"info":{"delta":1,"repository":{"delta":2,"size":3},"size":4},
"label":"20261130-195635F_20261201-195635D","lsn":{"start":"0/8000028","stop":"0/8000160"},"prior":"20261130-195635F","reference":["20261130-195635F"],"timestamp":{"start":1796154995,"stop":1796155000},"type":"diff"}],
"cipher":"aes-256-cbc","db":[],"name":"psa","repo":[],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]`;
const info = readRepositoryInfo(INFO, 'psa');
const at = (text: string) => new Date(text);

describe("pgBackRest's repository", () => {
  it('is read as it says', () => {
    expect(info).toMatchObject({
      code: 0,
      wal: { id: '15-1', min: '000000010000000000000001', max: '000000020000000000000007' },
      backups: [
        {
          ...{ type: 'full', start: '2026-11-30T19:56:35.000Z', stop: '2026-11-30T19:56:40.000Z' },
          ...{ wal: '000000010000000000000006', content_bytes: 30_544_392, bytes: 3_793_664, needs: [] },
          notes: { 'psa-run': '20261130T020000Z-3f9a2c' },
        },
        { type: 'diff', needs: ['20261130-195635F'], notes: {} },
      ],
    });
  });

  it('that has none of this database is empty', () => {
    expect(readRepositoryInfo('[]', 'psa')).toMatchObject({ code: 1, backups: [], wal: null });
    expect(() => readRepositoryInfo('ERROR', 'psa')).toThrow(SyntaxError);
  });

  it('gets a full copy each week, and what has changed in between', () => {
    expect(baseBackupType([], at('2026-11-30T02:00:00Z'))).toBe('full');
    expect(baseBackupType(info.backups, at('2026-12-01T02:00:00Z'))).toBe('diff');
    expect(baseBackupType(info.backups, at('2026-12-06T19:00:00Z'))).toBe('diff');
    // A Sunday later, some minutes early.
    expect(baseBackupType(info.backups, at('2026-12-07T19:50:00Z'))).toBe('full');
    const broken = info.backups.map((one) => ({ ...one, error: true }));
    expect(baseBackupType(broken, at('2026-12-01T02:00:00Z'))).toBe('full');
  });

  it('has the database from the end of its first copy to the last of the log', () => {
    expect(pitrWindow(info, '2026-12-02T00:00:00.000Z')).toEqual({
      from: '2026-11-30T19:56:40.000Z',
      to: '2026-12-02T00:00:00.000Z',
    });
    // A copy is whole with its own log.
    expect(pitrWindow(info, '2026-11-30T00:00:00.000Z').to).toBe('2026-12-01T19:56:40.000Z');
    expect(pitrWindow(info, null).to).toBeNull();
    expect(pitrWindow({ ...info, backups: [] }, null)).toEqual({ from: null, to: null });
  });

  it('begins with the newest copy that was complete by then', () => {
    expect(baseFor(info, at('2026-11-30T19:56:39Z'))).toBeNull();
    expect(baseFor(info, at('2026-11-30T19:56:40Z'))?.type).toBe('full');
    expect(baseFor(info, at('2026-12-03T00:00:00Z'))?.type).toBe('diff');
  });

  it('is well when its verification has nothing to say', () => {
    expect(readVerification('')).toEqual({ log: null, backups: {} });
    expect(
      readVerification(`stanza: psa
status: error
  archiveId: 15-1, total WAL checked: 6, total valid WAL: 5
    checksum invalid: 1
  backup: 20261130-195826F, status: invalid, total files checked: 964, total valid files: 963
    checksum invalid: 1
`),
    ).toEqual({
      log: 'archiveId: 15-1, total WAL checked: 6, total valid WAL: 5, checksum invalid: 1',
      backups: {
        '20261130-195826F':
          'status: invalid, total files checked: 964, total valid files: 963, checksum invalid: 1',
      },
    });
  });
});
