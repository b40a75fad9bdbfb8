import { define } from '../../command.ts';
import type { CertificateInfo } from '../../site/certificate.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Renewed {
  readonly certificate: CertificateInfo;
  /** What browsers are to trust. */
  readonly authority: string;
}

export const certsRenew = define<SiteOptions, { domain: string }, null, Renewed>({
  summary: "Makes a new certificate for the edge, signed by the appliance's own authority",
  description: `
The authority is made on first use and stands in psactl's folder of the site; import its certificate into the browsers
once. "psactl apply" brings the new certificate into HAProxy, without cutting a connection.`,
  examples: [{ run: 'psactl certs renew --site lab', note: 'for 397 days' }],
  async plan(context) {
    const { readSite } = await import('../../site/site.ts');
    const { inventory } = await readSite(context);
    return { data: { domain: inventory.domain }, carry: null };
  },
  renderPlan: ({ domain }) => `Would make a certificate for ${domain}.\n`,
  async apply(_plan, context) {
    const { readSite } = await import('../../site/site.ts');
    const { authorityFile, describeCertificate, issueEdge } = await import('../../site/certificate.ts');
    const { folder, inventory } = await readSite(context);
    return folder.locked('psactl certs renew', async () => {
      const addresses = [inventory.data.haproxy.virtual_address, '127.0.0.1'];
      const pem = await issueEdge(folder, inventory.domain, addresses);
      await folder.writeSecrets({ ...(await folder.secrets()), tls_pem: pem });
      return { certificate: describeCertificate('edge', pem), authority: authorityFile(folder) };
    });
  },
  render: ({ certificate, authority }) =>
    `Made a certificate for ${certificate.names.join(', ')}, until ${certificate.until.slice(0, 10)}.\n` +
    `Trust ${authority} in the browsers. "psactl apply" brings it into HAProxy.\n`,
});
