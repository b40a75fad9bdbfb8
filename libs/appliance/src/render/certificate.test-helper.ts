import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.test-helper.ts';

/** A self-signed certificate with its key, in one file as HAProxy wants it; returns the file's path. */
export function certificateIn(folder: string): string {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = run(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=psa.example.com', '-keyout', key, '-out', cert],
    ],
    { debian: 'openssl' },
  );
  if (made.code !== 0) throw new Error(made.output);
  const both = join(folder, 'both.pem');
  writeFileSync(both, `${readFileSync(cert, 'utf8')}${readFileSync(key, 'utf8')}`);
  return both;
}
