import { CSRF_COOKIE, CSRF_HEADER } from '@psa/contracts/tokens';
import { api, urlOf } from './browser.ts';
import { newIdempotencyKey, readCookie } from './client.ts';
import { ApiError, errorFromResponse } from './error.ts';

export interface UploadOptions {
  /** Fields before the file in the form. */
  fields?: Record<string, string>;
  /** Share that has been sent, 0 to 1. */
  onProgress?: (share: number) => void;
  signal?: AbortSignal;
  /** Keep it to repeat an upload whose outcome is unknown. */
  idempotencyKey?: string;
}

/**
 * Sends one file as `multipart/form-data`, field `file`. By XMLHttpRequest, because fetch cannot tell how far
 * an upload has got. The session is renewed once on 401.
 * @throws ApiError, or an AbortError when the caller gave up.
 */
export async function uploadFile<T>(path: string, file: File, options: UploadOptions = {}): Promise<T> {
  const key = options.idempotencyKey ?? newIdempotencyKey();
  let response = await send(path, file, key, options);
  if (response.status === 401 && (await api.renewSession())) response = await send(path, file, key, options);
  if (!response.ok) throw await errorFromResponse(response);
  return ((await response.json()) as { data: T }).data;
}

function send(path: string, file: File, key: string, options: UploadOptions): Promise<Response> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(options.fields ?? {})) form.set(name, value);
    form.set('file', file, file.name);
    const xhr = new XMLHttpRequest();
    xhr.open('POST', urlOf(path));
    xhr.setRequestHeader('accept', 'application/json');
    xhr.setRequestHeader('idempotency-key', key);
    const csrf = readCookie(document.cookie, CSRF_COOKIE);
    if (csrf) xhr.setRequestHeader(CSRF_HEADER, csrf);
    xhr.upload.onprogress = (event) => {
      if (event.lengthComputable) options.onProgress?.(event.loaded / event.total);
    };
    const unreachable = (code: string) =>
      reject(new ApiError({ status: 0, code, message: `Unable to upload ${file.name}` }));
    xhr.onerror = () => unreachable('NETWORK_ERROR');
    xhr.ontimeout = () => unreachable('TIMEOUT');
    xhr.onabort = () => reject(new DOMException('The upload was given up', 'AbortError'));
    xhr.onload = () => {
      const headers = new Headers();
      for (const name of ['x-request-id', 'retry-after']) {
        const value = xhr.getResponseHeader(name);
        if (value) headers.set(name, value);
      }
      resolve(new Response(xhr.status === 204 ? null : xhr.responseText, { status: xhr.status, headers }));
    };
    if (options.signal?.aborted) return xhr.abort();
    options.signal?.addEventListener('abort', () => xhr.abort(), { once: true });
    xhr.send(form);
  });
}
