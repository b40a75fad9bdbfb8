import type { Params } from '../schema/api-schema.ts';
import { type EngineOptions, type Envelope, ProxmoxEngine, type RequestOptions } from './engine.ts';
import { type HaService, type HaWait, haServices, waitHa } from './ha.ts';
import { runTask, type TaskOptions, type TaskResult, waitTask } from './tasks.ts';
import { type Upload, upload } from './upload.ts';

/** The client of a cluster. Paths are made by `apiPath`; what an answer holds is named where it is read (ADR 19). */
export class ProxmoxClient {
  readonly #engine: ProxmoxEngine;

  constructor(options: EngineOptions) {
    this.#engine = new ProxmoxEngine(options);
  }

  /** A call; see `apiPath` for escapes. */
  async request<T = unknown>(
    method: string,
    path: string,
    params?: Params,
    options?: RequestOptions,
  ): Promise<T> {
    return (await this.envelope(method, path, params, options)).data as T;
  }

  /** The same with what stands beside the data (`total`). */
  envelope(method: string, path: string, params?: Params, options?: RequestOptions): Promise<Envelope> {
    return this.#engine.request(method, path, params, options);
  }

  /** A write whose task is waited for; null when the route answers without one. */
  run(method: string, path: string, params?: Params, options?: TaskOptions): Promise<TaskResult | null> {
    return runTask(this.#engine, method, path, params, options);
  }

  /** Waits for a task that a typed call started. */
  waitTask(upid: string, options?: TaskOptions): Promise<TaskResult> {
    return waitTask(this.#engine, upid, options);
  }

  /** Puts a file into a storage. */
  upload(wanted: Upload): Promise<TaskResult> {
    return upload(this.#engine, wanted);
  }

  /** The guests that HA manages. */
  haServices(options?: RequestOptions): Promise<readonly HaService[]> {
    return haServices(this.#engine, options);
  }

  /** Waits until HA has brought a guest into a state. */
  waitHa(sid: string, wait: HaWait): Promise<HaService> {
    return waitHa(this.#engine, sid, wait);
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#engine.close();
  }
}
