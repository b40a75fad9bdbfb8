import { RENDERED } from '../render/rendered-file.ts';

/** An OpenSSH of our own: who has a key of `authorized` runs `command` as `postgres`, and nothing else. */
export interface ForcedSsh {
  readonly address: string;
  readonly port: number;
  readonly hostKey: string;
  readonly authorized: string;
  readonly command: string;
}

/** Its settings. */
export const sshdConfig = ({
  address,
  port,
  hostKey,
  authorized,
  command,
}: ForcedSsh): string => `# ${RENDERED}
Port ${port}
ListenAddress ${address}
HostKey ${hostKey}
AuthorizedKeysFile ${authorized}
AllowUsers postgres
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
ForceCommand ${command}
DisableForwarding yes
PermitTTY no
PermitUserRC no
PrintMotd no
MaxStartups 30
# Each piece of the log comes by a connection of its own.
LogLevel ERROR
ClientAliveInterval 10
ClientAliveCountMax 3
`;

/** Its unit. @param more lines of its section Service */
export const sshdUnit = (what: string, config: string, more: readonly string[] = []): string => `# ${RENDERED}
[Unit]
Description=${what}
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
User=postgres
${more.map((line) => `${line}\n`).join('')}ExecStart=/usr/sbin/sshd -D -e -f ${config}
Restart=always
RestartSec=2s

[Install]
WantedBy=multi-user.target
`;

/** Who asks it, for OpenSSH's client. */
export interface SshClient {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly key: string;
  readonly knownHosts: string;
  /** Lines beside these. */
  readonly more?: readonly string[];
}

/** The client's settings. */
export const sshConfig = ({ hosts, port, key, knownHosts, more = [] }: SshClient): string => `# ${RENDERED}
Host ${hosts.join(' ')}
  Port ${port}
  IdentityFile ${key}
  IdentitiesOnly yes
  UserKnownHostsFile ${knownHosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
${more.map((line) => `  ${line}\n`).join('')}  # The database waits for it when it is stopped.
  ConnectTimeout 3
  ServerAliveInterval 5
  ServerAliveCountMax 3
`;
