import { request } from 'node:https';
import type { Exchange } from '@psa/proxmox/golden.test-helper';

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly contentType: string | null;
  readonly body: unknown;
}

/** How a request is sent: as a form, or with a body that the recording does not hold. */
export interface Body {
  readonly type: string;
  readonly text: string;
}

/** Sends a request to the lab and reads its answer. */
export async function ask(
  port: number,
  method: string,
  path: string,
  options: {
    readonly params?: Exchange['params'];
    readonly body?: Body;
    readonly authorization?: string | null;
  } = {},
): Promise<Answer> {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(options.params ?? {}))
    for (const one of Array.isArray(value) ? value : [value]) form.append(key, String(one));
  const isQuery = ['GET', 'DELETE'].includes(method);
  const query = isQuery && form.size > 0 ? `${path.includes('?') ? '&' : '?'}${form}` : '';
  const body: Body | null =
    options.body ?? (isQuery ? null : { type: 'application/x-www-form-urlencoded', text: form.toString() });
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host: '127.0.0.1', port, method, path: `/api2/json${path}${query}`, rejectUnauthorized: false },
        headers: {
          ...(options.authorization ? { authorization: options.authorization } : {}),
          ...(body ? { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) } : {}),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: response.statusCode ?? 0,
            reason: response.statusMessage ?? '',
            contentType: response.headers['content-type'] ?? null,
            body: (response.headers['content-type'] ?? '').startsWith('application/json')
              ? JSON.parse(text)
              : text,
          });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body?.text ?? '');
  });
}
