import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import type { CertificateInfo } from '../../site/certificate.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly key?: string;
}

interface Installed {
  readonly certificate: CertificateInfo;
}

export const certsInstall = define<Options, Installed, { pem: string }, Installed>({
  summary: 'Takes a certificate of an authority for the edge',
  description: `
The file holds the certificate, its chain and its key in PEM, in any order. It must be for the inventory's domain.
"psactl apply" brings it into HAProxy, without cutting a connection.`,
  args: [{ name: 'file', description: 'PEM file' }],
  options: [{ flags: '--key <file>', description: 'the key, where it stands in a file of its own' }],
  examples: [
    { run: 'psactl certs install psa.pem --site lab', note: 'certificate, chain and key in one file' },
    { run: 'psactl certs install chain.pem --key key.pem --site lab', note: 'the key apart' },
  ],
  async plan(context) {
    const { readFile } = await import('node:fs/promises');
    const { resolve } = await import('node:path');
    const { readSite } = await import('../../site/site.ts');
    const { describeCertificate, edgePem } = await import('../../site/certificate.ts');
    const { args, options, io } = context;
    const { inventory } = await readSite(context);
    const files = [args[0]!, ...(options.key === undefined ? [] : [options.key])];
    const texts = await Promise.all(
      files.map((file) =>
        readFile(resolve(io.cwd, file), 'utf8').catch((cause) => {
          throw new CliError(`Unable to read ${file}.`, { outcome: 'not_found', why: cause.message, cause });
        }),
      ),
    );
    const pem = edgePem(texts.join('\n'), inventory.domain);
    return { data: { certificate: describeCertificate('edge', pem) }, carry: { pem } };
  },
  renderPlan: ({ certificate }) =>
    `Would take the certificate of ${certificate.issuer} for ${certificate.names.join(', ')}.\n`,
  async apply({ data, carry }, context) {
    const { readSite } = await import('../../site/site.ts');
    const { folder } = await readSite(context);
    await folder.locked('psactl certs install', async () =>
      folder.writeSecrets({ ...(await folder.secrets()), tls_pem: carry.pem }),
    );
    return data;
  },
  render: ({ certificate }) =>
    `Took the certificate of ${certificate.issuer} for ${certificate.names.join(', ')}, until ${certificate.until.slice(0, 10)}.\n` +
    '"psactl apply" brings it into HAProxy.\n',
});
