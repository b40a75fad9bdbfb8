import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { StorageConf } from '../../cluster/storages.ts';
import { badParameter, failure } from '../../errors.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { uploadedFile } from '../body.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { type FileContent, fitsContent, shownPath } from './stored-files.ts';

/** Files from outside: uploads; downloads by the node fail, for the lab has no internet. */
export const UPLOAD_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/nodes/{node}/storage/{storage}/upload',
    permission: needs('/storage/{storage}', ['Datastore.AllocateTemplate']),
    // The node that was asked takes the file and copies it to the one that is meant.
    isLocal: true,
    handler: upload,
  },
  {
    method: 'POST',
    path: '/nodes/{node}/storage/{storage}/download-url',
    permission: {
      check: [
        'and',
        ['perm', '/storage/{storage}', ['Datastore.AllocateTemplate']],
        ['or', ['perm', '/', ['Sys.Audit', 'Sys.Modify']], ['perm', '/nodes/{node}', ['Sys.AccessNetwork']]],
      ],
    },
    handler: download,
  },
];

async function upload(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, caller } = context;
  const sent = params.text('tmpfilename');
  const temporary = sent === null ? null : uploadedFile(sent, join(lab.dir, 'tmp'));
  try {
    const target = params.need('node');
    lab.membership.node(target);
    const conf = lab.storages.onNode(target, params.need('storage'));
    const content = params.need('content') as FileContent;
    const name = checkedName(conf, content, params.need('filename'), `does not support '${content}' content`);
    if (temporary === null) throw failure('missing temporary file name');
    const size = (await stat(temporary)).size;
    const job = {
      ...{ temporary, target, conf, content, name, size, entry: context.node },
      algorithm: params.text('checksum-algorithm'),
      checksum: params.text('checksum'),
    };
    return lab.tasks.start({ node: context.node, type: 'imgcopy', id: '', user: caller.id }, (task) =>
      take(context, job, task).finally(() => rm(temporary, { force: true })),
    );
  } catch (error) {
    if (temporary !== null) await rm(temporary, { force: true });
    throw error;
  }
}

/** The name that a file gets. @throws 400 when it does not fit its kind */
function checkedName(conf: StorageConf, content: FileContent, given: string, refusal: string): string {
  if (!conf.content.some((kind) => ['vztmpl', 'iso', 'import', 'backup', 'snippets'].includes(kind)))
    throw failure(`can't upload to storage type '${conf.type}'`);
  const name = given
    .replace(/^.*[/\\]/, '')
    .trim()
    .replaceAll(/[^a-zA-Z0-9_.\-+]/g, '_');
  if (!fitsContent(name, content)) throw badParameter({ filename: 'wrong file extension' });
  if (!conf.content.includes(content)) throw failure(`storage '${conf.name}' ${refusal}`);
  return name;
}

interface UploadJob {
  readonly temporary: string;
  readonly target: string;
  readonly entry: string;
  readonly conf: StorageConf;
  readonly content: FileContent;
  readonly name: string;
  readonly size: number;
  readonly algorithm: string | null;
  readonly checksum: string | null;
}

async function take({ lab }: RequestContext, job: UploadJob, task: TaskHandle): Promise<void> {
  const { temporary, target, conf, content, name, size, entry } = job;
  const shown = shownPath(conf, content, name);
  // Where a real node would have put it.
  const from = `/var/tmp/${temporary.split('/').at(-1)}`;
  task.log(`starting file import from: ${from}`);
  task.log(`target node: ${target}`);
  task.log(`target file: ${shown}`);
  task.log(`file size is: ${size}`);
  if (job.checksum !== null && job.algorithm !== null) {
    const hash = createHash(job.algorithm);
    await pipeline(createReadStream(temporary), hash);
    const found = hash.digest('hex');
    if (found !== job.checksum.toLowerCase())
      throw failure(`checksum mismatch: got '${found}' != expect '${job.checksum}'`);
    task.log('calculating checksum...OK, checksum verified');
  }
  if (target === entry) task.log(`command: cp -- ${from} ${shown}`);
  else {
    const { address } = lab.membership.node(target);
    const hosts = `/etc/pve/nodes/${target}/ssh_known_hosts`;
    task.log(
      `command: /usr/bin/scp -o BatchMode=yes -o HostKeyAlias=${target} -o UserKnownHostsFile=${hosts} ` +
        `-o GlobalKnownHostsFile=none -p -- ${from} [${address}]:${shown}`,
    );
    if (!lab.membership.sees(entry, target))
      throw failure(`import failed: ssh: connect to host ${address} port 22: No route to host`);
  }
  const folder = await lab.volumes.folder(target, conf.name, content);
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `${name}.tmp.${task.upid.split(':')[2]}`);
  try {
    await copyFile(temporary, draft);
    await rename(draft, join(folder, name));
  } catch (error) {
    await rm(draft, { force: true });
    throw failure(`import failed: ${(error as Error).message}`);
  }
  task.log('finished file import successfully');
}

function download({ lab, node, caller }: RequestContext, params: RouteParams): string {
  const conf = lab.storages.onNode(node, params.need('storage'));
  const content = params.need('content') as FileContent;
  const name = checkedName(
    conf,
    content,
    params.need('filename'),
    `is not configured for content-type '${content}'`,
  );
  const url = params.need('url');
  return lab.tasks.start({ node, type: 'download', id: name, user: caller.id }, (task) => {
    task.log(`downloading ${url} to ${shownPath(conf, content, name)}`);
    task.log(`--${new Date().toISOString().slice(0, 19).replace('T', ' ')}--  ${url}`);
    const { hostname, port, protocol } = new URL(url);
    const at = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
    throw failure(`download failed: Connecting to ${at}... failed: Connection refused.`);
  });
}
