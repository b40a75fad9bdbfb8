import { expect, it } from 'vitest';
import { savedAs } from './content-disposition.ts';

it('gives a download its real name, and one in ASCII for whoever knows no other', () => {
  expect(savedAs('Übersicht (1).pdf')).toBe(
    `attachment; filename="_bersicht (1).pdf"; filename*=UTF-8''%C3%9Cbersicht%20%281%29.pdf`,
  );
  expect(savedAs('a";\r\nx: y.txt')).toMatch(/^[\x20-\x7e]+$/);
  expect(savedAs("it's (1)*.txt")).toContain("filename*=UTF-8''it%27s%20%281%29%2A.txt");
  expect(savedAs('halb\ud800.txt')).toContain('halb%EF%BF%BD.txt');
});
