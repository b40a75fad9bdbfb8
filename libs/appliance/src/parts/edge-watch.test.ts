import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@psa/test-kit/free-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentsOf } from '../contents/contents.ts';
import { knownSecrets } from '../contents/secrets.test-helper.ts';
import { example } from '../inventory/example.test-helper.ts';
import { expand } from '../inventory/expand.ts';
import { certificateIn } from '../render/certificate.test-helper.ts';
import { renderHaproxy } from '../render/haproxy.ts';
import { EPOCH, parseSiteLine, SITE_FILE, siteAnswer, siteLine } from './edge-watch.ts';

/** The example with a second site like the first; edges answer on the port that the test has. */
function pair(port: number) {
  const inventory = example();
  inventory.sites.push({ ...structuredClone(inventory.sites[0]!), name: 'dr' });
  inventory.dr = {
    ...{ primary: 'main', standby: 'dr', kind: 'cold', contacts: [] },
    edges: { primary: 'https://127.0.0.1:1', standby: `https://127.0.0.1:${port}` },
  };
  return inventory;
}
const contents = (inventory: ReturnType<typeof pair>, at: number, epoch: number) => {
  const site = inventory.sites[at]!;
  const container = expand(inventory, site).find(({ group }) => group === 'haproxy')!;
  return contentsOf(inventory, site, container, { ...knownSecrets(inventory), [EPOCH]: String(epoch) });
};

describe('what is told of a site', () => {
  it('is read as it is written, and nothing else is', () => {
    expect(parseSiteLine('psa', siteLine('psa', 'main', 12))).toEqual({ site: 'main', epoch: 12 });
    for (const text of ['', 'psa', 'psa other main 3', '<html>', 'psa psa main x', 'psa psa main -1'])
      expect(parseSiteLine('psa', text)).toBeNull();
  });

  it('is in no edge without a second site', () => {
    const inventory = example();
    expect(renderHaproxy(inventory)[0]!.text).not.toContain('psa-site');
    expect(contents(pair(1), 0, 1).units.map(({ name }) => name)).toContain('psa-site-watch.service');
    expect(contents({ ...pair(1), dr: undefined }, 0, 1).files.map(({ path }) => path)).not.toContain(
      SITE_FILE,
    );
  });
});

describe('the edge of a site that comes back, beside the real HAProxy of the other one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'psa-watch-'));
  let port: number;
  let stop = () => {};
  const certificate = certificateIn(folder);
  afterAll(() => {
    stop();
    rmSync(folder, { recursive: true });
  });

  /** The edge of the standby, which serves since that failover. */
  async function standby(epoch: number, site = 'psa', pem = certificate): Promise<void> {
    stop();
    const inventory = pair(port);
    const file = join(folder, 'site');
    writeFileSync(file, siteLine(site, 'dr', epoch));
    const lines = siteAnswer(inventory, inventory.sites[1]!).map((line) => line.replace(SITE_FILE, file));
    const config = `defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend edge
    bind 127.0.0.1:${port} ssl crt ${pem}
${lines.join('\n')}
    http-request deny deny_status 503
`;
    writeFileSync(join(folder, 'haproxy.cfg'), config);
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    const child = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { env, stdio: 'ignore' });
    stop = () => void child.kill('SIGKILL');
    for (let turn = 0; turn < 100 && !answers(); turn++) await sleep(50);
  }
  const answers = () => spawnSync('curl', ['-sk', `https://127.0.0.1:${port}/`]).status === 0;

  /** Runs the program that HAProxy's unit runs before its start, as the primary of that epoch has it. */
  function gate(epoch: number) {
    const inventory = pair(port);
    inventory.tls.certificate_file = certificate;
    const own = join(folder, 'own');
    const { files } = contents(inventory, 0, epoch);
    writeFileSync(own, files.find(({ path }) => path === SITE_FILE)!.text);
    const drop = files.find(({ path }) => path.endsWith('haproxy.service.d/psa.conf'))!.text;
    const [, program] = /^ExecStartPre=(\S+) once$/m.exec(drop)!;
    const text = files.find(({ path }) => path === program)!.text.replaceAll(SITE_FILE, own);
    return spawnSync('sh', ['-s', 'once'], { input: text, encoding: 'utf8' });
  }
  beforeAll(async () => {
    port = await freePort();
  });

  it('does not start while the other one serves since a later failover', async () => {
    await standby(2);
    expect(gate(1)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('The site dr serves since failover 2'),
    });
    expect(gate(2).status).toBe(0);
    expect(gate(3).status).toBe(0);
  });

  it('starts where nobody answers, or somebody who is not the other site', async () => {
    await standby(2, 'another');
    expect(gate(1).status).toBe(0);
    const strange = mkdtempSync(join(folder, 'strange-'));
    await standby(2, 'psa', certificateIn(strange));
    expect(gate(1).status).toBe(0);
    stop();
    for (let turn = 0; turn < 100 && answers(); turn++) await sleep(20);
    expect(gate(1).status).toBe(0);
  });
});
