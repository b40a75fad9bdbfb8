import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type BreakingRequest, breakingRequests } from './requests.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete']);
const MANY = '1000000000';

/** The whole platform as a process of its own, with demo data. */
export interface BrokenInto {
  readonly url: string;
  readonly child: ChildProcess;
  /** Of an administrator, who tries to break it, and of a customer, who works on. */
  readonly token: string;
  readonly otherToken: string;
  readonly requests: BreakingRequest[];
  stop(): Promise<number | null>;
}

/** Starts it on the folder's data. @throws when it does not get ready */
export async function startBrokenInto(options: {
  dataDir: string;
  port: number;
  password: string;
  env: Readonly<Record<string, string | undefined>>;
}): Promise<BrokenInto> {
  const { dataDir, port, password } = options;
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...options.env,
      ...{ PORT: `${port}`, PSA_DATA_DIR: dataDir, PSA_DEMO: '1', PSA_DEMO_PASSWORD: password },
      ...{ RATE_ANONYMOUS_PER_MINUTE: MANY, RATE_STANDARD_PER_HOUR: MANY, RATE_PROFESSIONAL_PER_HOUR: MANY },
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  child.stdout!.resume();
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const [first] = await Promise.race([once(child, 'message'), exited.then((code) => [code])]);
  if (first !== 'ready') throw new Error(`The platform ended with ${first} before it was ready.`);
  const url = `http://127.0.0.1:${port}`;
  const login = async (email: string) => {
    const answer = await fetch(`${url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    const { data } = (await answer.json()) as { data: { access_token: string } };
    return data.access_token;
  };
  const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { requestBody?: unknown }>>;
  };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => METHODS.has(method))
      .map(([method, { requestBody }]) => ({
        method: method.toUpperCase(),
        path,
        hasBody: requestBody !== undefined,
      })),
  );
  return {
    ...{ url, child, requests: breakingRequests(operations) },
    token: await login('admin@demo.example'),
    otherToken: await login('customer@demo.example'),
    async stop() {
      child.kill('SIGTERM');
      return await exited;
    },
  };
}
