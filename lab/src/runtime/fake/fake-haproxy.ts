import type { Parts } from './fake-services.ts';
import type { Container } from './program.ts';

const CONFIG = '/etc/haproxy/haproxy.cfg';
/** Servers that were drained at the socket, one a line. */
const DRAINED = '/run/haproxy/drained';
const FORCED_DRAIN = 8;

/** What HAProxy says at its socket; the backends are those of the file that psactl wrote. */
export function haproxySocket(box: Container, commands: string, parts: Parts): string {
  if (!box.exists(CONFIG)) return '';
  const drained = new Set(
    box.exists(DRAINED) ? box.read(DRAINED).toString().split('\n').filter(Boolean) : [],
  );
  const answers = commands.split(/[;\n]/).map((command) => {
    const words = command.trim();
    const [, server, state] = /^set server (\S+) state (drain|ready|maint)$/.exec(words) ?? [];
    if (server !== undefined) {
      if (state === 'ready') drained.delete(server);
      else drained.add(server);
      box.write(DRAINED, Buffer.from([...drained].join('\n')));
      return '\n';
    }
    if (words === 'show servers state') return serversState(box, drained);
    if (words === 'show stat') return stat(box, drained, parts);
    return '';
  });
  return answers.join('');
}

interface Server {
  readonly backend: string;
  readonly name: string;
  readonly address: string;
}

function serversOf(box: Container): Server[] {
  let backend = '';
  return box
    .read(CONFIG)
    .toString()
    .split('\n')
    .flatMap((line) => {
      const [, section, of] = /^(backend|listen|frontend|defaults|global)\s*(\S*)/.exec(line) ?? [];
      if (section !== undefined) backend = section === 'backend' || section === 'listen' ? of! : '';
      const [, name, address] = /^\s+server\s+(\S+)\s+([\d.]+)/.exec(line) ?? [];
      return name !== undefined && backend !== '' ? [{ backend, name, address: address! }] : [];
    });
}

function serversState(box: Container, drained: ReadonlySet<string>): string {
  const lines = serversOf(box).map(({ backend, name, address }, index) =>
    ['1', backend, index + 1, name, address, '2', drained.has(`${backend}/${name}`) ? FORCED_DRAIN : 0].join(
      ' ',
    ),
  );
  return [
    '1',
    '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state',
    ...lines,
    '',
    '',
  ].join('\n');
}

function stat(box: Container, drained: ReadonlySet<string>, parts: Parts): string {
  const lines = serversOf(box).map(({ backend, name, address }) => {
    const isUp = parts.isHealthy(box, address, backend);
    const status = isUp ? (drained.has(`${backend}/${name}`) ? 'DRAIN' : 'UP') : 'DOWN';
    return [backend, name, 0, status, isUp ? 'L7OK' : 'L4CON', isUp ? 200 : ''].join(',');
  });
  return ['# pxname,svname,scur,status,check_status,check_code', ...lines, '', ''].join('\n');
}
