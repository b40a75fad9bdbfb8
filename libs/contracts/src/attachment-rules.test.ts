import { expect, it } from 'vitest';
import { isProgramName, shownAs } from './attachment-rules.ts';

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

it('shows pictures and PDFs, and nothing that could run', () => {
  expect(['image/png', 'image/jpeg', 'application/pdf'].map(shownAs)).toEqual(['picture', 'picture', 'pdf']);
  for (const type of [
    'image/svg+xml',
    'text/html',
    'text/plain; charset=utf-8',
    'application/octet-stream',
    '',
  ])
    expect(shownAs(type), type).toBeNull();
});
