import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorityFile, describeCertificate, edgePem, issueEdge } from './certificate.ts';
import { SiteFolder } from './folder.ts';

let dir: TempDir;
let folder: SiteFolder;
let pem: string;
beforeAll(async () => {
  dir = await tempDir('certs');
  folder = new SiteFolder(join(dir.path, 'site'));
  await folder.make();
  pem = await issueEdge(folder, 'psa.example.com', ['127.0.0.1']);
});
afterAll(() => dir.remove());

describe('a certificate of our own authority', () => {
  it('is for the domain, and the authority stays the same', async () => {
    expect(describeCertificate('edge', pem)).toMatchObject({
      subject: 'psa.example.com',
      issuer: 'PSA-Platform psa.example.com authority',
      names: ['psa.example.com', '127.0.0.1'],
      state: 'ok',
      days: 396,
    });
    const ca = await readFile(authorityFile(folder), 'utf8');
    const again = await issueEdge(folder, 'psa.example.com', []);
    expect(await readFile(authorityFile(folder), 'utf8')).toBe(ca);
    expect(new X509Certificate(again).verify(new X509Certificate(ca).publicKey)).toBe(true);
    expect(new X509Certificate(again).serialNumber).not.toBe(new X509Certificate(pem).serialNumber);
  });

  it('is believed by whoever trusts the authority', async () => {
    const ca = await readFile(authorityFile(folder), 'utf8');
    const server = createServer({ cert: pem, key: pem }, (_, response) => void response.end('ok'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const status = await new Promise<number | undefined>((done, failed) => {
      request({ host: '127.0.0.1', port, ca, servername: 'psa.example.com' }, (answer) => {
        answer.resume();
        done(answer.statusCode);
      })
        .on('error', failed)
        .end();
    });
    server.close();
    expect(status).toBe(200);
  });
});

describe('a certificate that people give', () => {
  it('is taken when it fits', () => {
    expect(edgePem(`some words\n${pem}`, 'psa.example.com')).toBe(pem);
  });

  it('is refused when it does not', async () => {
    const other = await issueEdge(folder, 'other.example.com', []);
    const key = other.slice(other.indexOf('-----BEGIN PRIVATE'));
    const certificates = pem.slice(0, pem.indexOf('-----BEGIN PRIVATE'));
    const why = (text: string, domain = 'psa.example.com', now = Date.now()) => {
      try {
        return edgePem(text, domain, now);
      } catch (error) {
        return (error as { why: string }).why;
      }
    };
    expect(why(certificates)).toBe('There is no private key in it.');
    expect(why(key)).toBe('There is no certificate in it.');
    expect(why(pem.replace(/^MI/m, '!!'))).toMatch(/^Its first certificate is damaged: /);
    expect(why(certificates + key)).toBe('The key is not that of the certificate.');
    expect(why(other)).toMatch(/^It is for DNS:other\.example\.com, not for psa\.example\.com/);
    expect(why(pem, 'psa.example.com', Date.now() + 400 * 86_400_000)).toMatch(/^It ended on/);
  });

  it('is announced a month before its end', () => {
    const at = (days: number) => describeCertificate('edge', pem, Date.now() + days * 86_400_000).state;
    expect([at(360), at(368), at(400)]).toEqual(['ok', 'soon', 'expired']);
  });
});
