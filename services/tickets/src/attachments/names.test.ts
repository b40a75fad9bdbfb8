import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodedName, safeFileName } from './names.ts';
import { sniff } from './sniff.ts';

/** One pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

describe('file names', () => {
  it('lose what could mislead or break out', () => {
    expect(safeFileName('../../etc/passwd')).toBe('passwd');
    expect(safeFileName('C:\\Windows\\system32\\cmd.txt')).toBe('cmd.txt');
    expect(safeFileName('=?utf-8?B?w5xidW5nLnR4dA==?=')).toBe('Übung.txt');
    expect(safeFileName('=?iso-8859-1?Q?=DCbung_1.txt?=')).toBe('Übung 1.txt');
    expect(safeFileName('=?utf-8?B?w5xidQ==?= =?utf-8?B?bmcudHh0?=')).toBe('Übung.txt');
    expect(safeFileName('%C3%9Cbung.txt')).toBe('Übung.txt');
    expect(safeFileName(Buffer.from('Übung.txt').toString('latin1'))).toBe('Übung.txt');
    expect(safeFileName('Übung 100%.txt')).toBe('Übung 100%.txt');
    expect(safeFileName('=?utf-8?B?Li4vLi4vZXRjL3Bhc3N3ZA==?=')).toBe('passwd');
    expect(safeFileName('rechnung\u202Egpj.exe')).toBe('rechnunggpj.exe');
    expect(safeFileName('a\r\nSet-Cookie: x=1')).toBe('aSet-Cookie_ x=1');
    expect(safeFileName('.htaccess')).toBe('htaccess');
    expect(safeFileName('...')).toBe('file');
    expect(safeFileName(undefined)).toBe('file');
    const long = safeFileName(`${'ä'.repeat(500)}.pdf`);
    expect(long.length).toBeLessThanOrEqual(150);
    for (const letter of ['ü', '会', '😀', '한']) {
      const name = safeFileName(`${letter.repeat(140)}.pdf`);
      expect(name).toMatch(new RegExp(`^(?:${letter}){50,}\\.pdf$`, 'u'));
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(240);
    }
    expect(long.endsWith('.pdf')).toBe(true);
    expect(safeFileName(`${'a'.repeat(149)}.${'b'.repeat(20)}`)).toBe('a'.repeat(149));
    expect(safeFileName(`${'a'.repeat(149)}😀😀`)).toBe('a'.repeat(149));
    expect(safeFileName(`${'a'.repeat(145)}😀.pdf`)).toBe(`${'a'.repeat(145)}.pdf`);
  });

  it('take no time whatever they are', async () => {
    const began = performance.now();
    expect(safeFileName(`a${'. '.repeat(40_000)}x`).length).toBeLessThanOrEqual(150);
    expect(safeFileName(`${'.'.repeat(80_000)}x.exe`)).toMatch(/x\.exe$/);
    for (const content of ['<!---->'.repeat(500), '<!-- --> \n'.repeat(400), '<!--'.repeat(1_000)]) {
      for (const end of ['x', '<svg onload=alert(1)>']) {
        const expected =
          /-->/.test(content) && end === 'x' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
        expect(await sniff(Buffer.from(content + end), 'a.txt')).toEqual({ ok: true, contentType: expected });
      }
    }
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('say nothing of the type', async () => {
    expect(await sniff(png, 'x.txt')).toEqual({ ok: true, contentType: 'image/png' });
    expect(await sniff(Buffer.from('ä'.repeat(3000)).subarray(0, 4099), 'x')).toEqual({
      ok: true,
      contentType: 'text/plain; charset=utf-8',
    });
  });
});

describe('names as scripts and mail programs send them', () => {
  it.each([
    // A character begins in one word and ends in the next.
    ['=?utf-8?B?w5xidW5nIMM=?= =?utf-8?B?hHJnZXIudHh0?=', 'Übung Ärger.txt'],
    ['=?UTF-8?Q?Pr=C3=BCf?=\r\n =?UTF-8?Q?bericht_2026.pdf?=', 'Prüfbericht 2026.pdf'],
    ['=?windows-1252?Q?Angebot_=80.pdf?=', 'Angebot €.pdf'],
    ['=?iso-2022-jp?B?GyRCMnE1RDwoGyhCLnBkZg==?=', '会議示.pdf'],
    ['=?utf-8*de?Q?=C3=9Cbung.txt?=', 'Übung.txt'],
    ['Anlage =?utf-8?Q?=C3=BC?= 1.txt', 'Anlage ü 1.txt'],
    // Cut off, a charset that nobody knows, bytes that the charset has not: still readable.
    ['=?utf-8?B?w5xidW5nLnR4dA==', 'Übung.txt'],
    ['=?x-unknown?Q?R=FCckgabe.pdf?=', 'Rückgabe.pdf'],
    ['=?utf-8?Q?R=FCckgabe.pdf?=', 'Rückgabe.pdf'],
    ["utf-8''%C3%9Cbung%20neu.txt", 'Übung neu.txt'],
    ["iso-8859-1'de'%DCbung.txt", 'Übung.txt'],
    ["O'Brien's notes.txt", "O'Brien's notes.txt"],
    ['%C3%9Cbung%20neu.txt', 'Übung neu.txt'],
    ['Übung 100%.txt', 'Übung 100%.txt'],
    ['rabatt%20.txt', 'rabatt%20.txt'],
    ["utf-8''..%2F..%2Fetc%2Fp%C3%A4sswd", 'pässwd'],
    ['=?utf-8?Q?rechnung=E2=80=AEgpj.exe?=', 'rechnunggpj.exe'],
    ['=?utf-8?Q?a=0D=0ASet-Cookie:_x?=', 'aSet-Cookie_ x'],
    ['CON.txt', '_CON.txt'],
    ['nul', '_nul'],
    ['console.txt', 'console.txt'],
  ])('reads %j as %j', (claimed, name) => expect(safeFileName(claimed)).toBe(name));

  it('reads what it is given in any of the ways, and is safe whatever comes', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .map((text) => `ü${text.normalize('NFC')}`)
      .filter((text) => text.isWellFormed() && !/[=?%']/.test(text));
    fc.assert(
      fc.property(name, (text) => {
        const bytes = Buffer.from(text);
        const hex = (sign: string) => [...bytes].map((b) => sign + b.toString(16).padStart(2, '0')).join('');
        expect(decodedName(`=?UTF-8?b?${bytes.toString('base64')}?=`)).toBe(text);
        expect(decodedName(`=?utf-8?q?${hex('=')}?=`)).toBe(text);
        expect(decodedName(`UTF-8''${hex('%')}`)).toBe(text);
        expect(decodedName(hex('%'))).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        const safe = safeFileName(text);
        expect(safe).not.toMatch(/[/\\<>:"|?*\p{Cc}\p{Cf}]|^[\s.]|[\s.]$/u);
        expect(safe.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('programs', () => {
  /** A header as linkers write it, with the mark of `kind` at `offset`. */
  const program = (kind: string, offset = 0x80) => {
    const bytes = Buffer.alloc(Math.max(offset + 200, 512));
    bytes.write('MZ\x90\x00\x03', 'latin1');
    bytes.writeUInt32LE(offset, 0x3c);
    bytes.write(kind, offset, 'latin1');
    return bytes;
  };
  const taken = async (content: Uint8Array | string, name: string) =>
    (await sniff(Buffer.from(content as string).subarray(0, 4100), name)).ok;
  const mz = (rest: string) => Buffer.concat([Buffer.from('MZ'), Buffer.from(rest, 'latin1')]);

  it.each([
    ['a renamed program', program('PE\0\0'), 'Liste.csv'],
    ['one for Windows 3', program('NE'), 'Liste.csv'],
    ['one whose mark lies beyond what is seen', program('PE\0\0', 0x2000), 'Liste.csv'],
    ['one for DOS', mz(`\x50\x00\x02\x00${'\0'.repeat(100)}`), 'Liste.csv'],
    ['one of which nothing is left but the mark', mz('\0'.repeat(200)), 'notiz.txt'],
    ['one that was cut off', mz('\x90\0'), 'Liste.csv'],
    ['Linux', Buffer.concat([Buffer.from('7f454c4602010100', 'hex'), Buffer.alloc(60)]), 'bericht.pdf'],
    ['macOS', Buffer.concat([Buffer.from('cffaedfe07000001', 'hex'), Buffer.alloc(60)]), 'bericht.pdf'],
    [
      'macOS, several machines',
      Buffer.concat([Buffer.from('cafebabe00000002', 'hex'), Buffer.alloc(60)]),
      'x',
    ],
    ['a script', '#!/bin/sh\nrm -rf /', 'notiz.txt'],
    ['a script with a mark before it', '\ufeff#!/usr/bin/env python3\n', 'notiz.txt'],
    ['a script with other letters', Buffer.from('#!/bin/sh\n# f\xfcr alle', 'latin1'), 'notiz.txt'],
    [
      'a script with an archive behind it',
      Buffer.concat([Buffer.from('#! /bin/sh\n'), randomBytes(99), Buffer.alloc(9)]),
      'x.run',
    ],
    ['data called .com', Buffer.from('b8004ccd21', 'hex'), 'www.kunde.com'],
    ['a picture of two bytes called .com', Buffer.from('424d00b44ccd21', 'hex'), 'www.kunde.com'],
    ['text called .exe', 'Hallo', 'www.kunde.exe'],
  ])('are refused: %s', async (_, content, name) => expect(await taken(content, name)).toBe(false));

  it.each([
    ['a list', 'MZ;Name\r\n1;Maier', 'MZ-Liste.csv'],
    ['a list of windows-1252', Buffer.from('MZ;Name\r\n1;M\xfcller', 'latin1'), 'MZ-Liste.csv'],
    [
      'a long one of it',
      Buffer.from(`MZ;Name\r\n${'1;M\xfcller\r\n'.repeat(900)}`, 'latin1'),
      'MZ-Liste.csv',
    ],
    ['data that no loader takes', mz(`\xff\xff\0\0${'\xff'.repeat(100)}`), 'messung.dat'],
    ['a list of a domain', 'Kunde;Ort', 'www.kunde-beispiel.com'],
    ['one of windows-1252', Buffer.from('Kunde;Stra\xdfe', 'latin1'), 'www.kunde-beispiel.com'],
    ['one of UTF-16', Buffer.from('\ufeffKunde;Straße', 'utf16le'), 'www.kunde-beispiel.com'],
    ['a picture of a domain', png, 'www.kunde-beispiel.com'],
    ['a note', '#! Wichtig: morgen', 'notiz.txt'],
  ])('are not: %s', async (_, content, name) => expect(await taken(content, name)).toBe(true));
});
