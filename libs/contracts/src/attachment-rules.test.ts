import { expect, it } from 'vitest';
import { isProgramName } from './attachment-rules.ts';

it.each(['setup.exe', 'SETUP.EXE', 'a.exe. ', 'invoice.pdf.scr', 'start.bat', 'link.url'])(
  'knows %j as a program',
  (name) => expect(isProgramName(name)).toBe(true),
);

it.each([
  'photo.png',
  'exe',
  'program.exe.txt',
  'notes.txt',
  'application.pdf',
  'www.kunde-beispiel.com',
  '',
])('lets %j pass', (name) => expect(isProgramName(name)).toBe(false));
