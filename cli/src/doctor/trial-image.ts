import { gzipSync } from 'node:zlib';
import { tarOf } from '@psa/appliance/contents/tar';

/** What the trial's program ends with when it is not the init: an exit code that nothing else gives. */
export const TRIAL_CODE = 9;

/**
 * The whole system of the trial's container, for x86-64: as the first process it sleeps for ever, as any other it ends
 * with 9. So a container of a few hundred bytes can be started, and shows that a command reaches it.
 */
function program(): Buffer {
  const code = Buffer.from([
    ...[0xb8, 0x27, 0x00, 0x00, 0x00, 0x0f, 0x05], // getpid
    ...[0x83, 0xf8, 0x01, 0x75, 0x09], // the first process? else on to exit
    ...[0xb8, 0x22, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xeb, 0xf7], // pause, again and again
    ...[0xbf, TRIAL_CODE, 0x00, 0x00, 0x00, 0xb8, 0xe7, 0x00, 0x00, 0x00, 0x0f, 0x05], // exit_group(9)
  ]);
  const [base, headers] = [0x400000n, 64 + 56];
  const elf = Buffer.alloc(headers + code.length);
  // ELF, 64 bits, little end first, version 1.
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(elf);
  elf.writeUInt16LE(2, 16); // a program
  elf.writeUInt16LE(62, 18); // for x86-64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(base + BigInt(headers), 24); // begins after the headers
  elf.writeBigUInt64LE(64n, 32); // where the one segment is described
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // loaded
  elf.writeUInt32LE(5, 68); // read, execute
  elf.writeBigUInt64LE(base, 80);
  elf.writeBigUInt64LE(base, 88);
  elf.writeBigUInt64LE(BigInt(elf.length), 96);
  elf.writeBigUInt64LE(BigInt(elf.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  code.copy(elf, headers);
  return elf;
}

/** The trial's template, as `.tar.gz`. `/usr/bin/env` is what commands of psactl begin with. */
export function trialTemplate(): Buffer {
  const binary = program();
  const folders = [
    'dev/',
    'etc/',
    'proc/',
    'run/',
    'sbin/',
    'sys/',
    'tmp/',
    'usr/',
    'usr/bin/',
    'usr/lib/',
    'var/',
  ];
  return gzipSync(
    tarOf([
      ...folders.map((name) => ({ name, mode: 0o755 })),
      { name: 'sbin/init', data: binary, mode: 0o755 },
      { name: 'usr/bin/env', data: binary, mode: 0o755 },
      { name: 'usr/lib/os-release', data: Buffer.from('ID=psa-trial\n'), mode: 0o644 },
    ]),
  );
}
