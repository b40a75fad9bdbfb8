import { define } from '../../command.ts';
import type { CertificateInfo } from '../../site/certificate.ts';
import type { SiteOptions } from '../../site/site.ts';
import { table } from '../../text.ts';

interface Certificates {
  readonly certificates: readonly CertificateInfo[];
}

export const certsList = define<SiteOptions, Certificates, null, Certificates>({
  summary: "Shows the appliance's certificates and when they end",
  description: 'Exit code 1 when one of them ends within 30 days.',
  examples: [
    { run: 'psactl certs list --site lab', note: 'the edge, and our own authority' },
    { run: 'psactl certs list --site lab --json', note: 'for a monitor' },
  ],
  async plan(context) {
    const { readFile } = await import('node:fs/promises');
    const { readSite } = await import('../../site/site.ts');
    const { authorityFile, describeCertificate } = await import('../../site/certificate.ts');
    const { folder } = await readSite(context);
    const { tls_pem } = await folder.secrets();
    const ca = await readFile(authorityFile(folder), 'utf8').catch(() => null);
    const certificates = [
      ...(tls_pem ? [describeCertificate('edge', tls_pem)] : []),
      ...(ca ? [describeCertificate('authority', ca)] : []),
    ];
    return { data: { certificates }, carry: null };
  },
  render: ({ certificates }) =>
    certificates.length === 0
      ? 'There is none yet; "psactl apply" makes one.\n'
      : table([
          ['NAME', 'FOR', 'BY', 'UNTIL', 'DAYS'],
          ...certificates.map((one) => [
            one.name,
            one.names.join(', ') || one.subject,
            one.issuer,
            one.until.slice(0, 10),
            one.state === 'ok'
              ? String(one.days)
              : `${one.days} ${one.state === 'soon' ? 'ENDS SOON' : 'ENDED'}`,
          ]),
        ]),
  outcome: ({ certificates }) => (certificates.every((one) => one.state === 'ok') ? 'done' : 'failed'),
});
