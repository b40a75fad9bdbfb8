import { renderHaproxy } from '../render/haproxy.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { type Contents, dropIn, type Place, plainFile, secretFile } from './part.ts';
import { secretOf } from './secrets.ts';

const CONFIG = '/etc/haproxy/haproxy.cfg';
const KEEPALIVED = '/etc/keepalived/keepalived.conf';

// A reload reads from this file what was drained, so it is written first. Not where HAProxy does not answer: then
// there is nothing to keep.
const RELOAD = `# ${RENDERED}
[Service]
ExecReload=
ExecReload=/bin/sh -c 'echo "show servers state" | socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock > /var/lib/haproxy/server-state.new && mv /var/lib/haproxy/server-state.new /var/lib/haproxy/server-state || true'
ExecReload=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecReload=/bin/kill -USR2 $MAINPID
`;

/** HAProxy with its certificate, and keepalived. */
export function haproxyContents({ inventory, site, container, secrets }: Place): Contents {
  const rendered = renderHaproxy(inventory, site);
  const textOf = (name: string) =>
    rendered.find((file) => file.path === `${container.name}/${name}`)?.text ?? '';
  const certificate = inventory.tls.certificate_file;
  return {
    files: [
      plainFile(CONFIG, textOf('haproxy.cfg')),
      secretFile(certificate, secretOf(secrets, 'tls_pem')),
      dropIn('haproxy.service', RELOAD),
      plainFile(KEEPALIVED, textOf('keepalived.conf')),
    ],
    units: [
      { name: 'haproxy.service', onChange: 'reload', paths: [CONFIG, certificate] },
      { name: 'keepalived.service', onChange: 'reload', paths: [KEEPALIVED] },
    ],
  };
}
