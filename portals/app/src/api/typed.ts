import type { ApiClient, ApiResult, QueryValue, RequestOptions } from './client.ts';
import type { Api } from './schema.ts';

/** Methods and paths that the platform has, as `GET /tickets/{id}`. */
export type Operation = keyof Api;
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type PathOf<M extends Method> = Operation extends infer K
  ? K extends `${M} ${infer Path}`
    ? Path
    : never
  : never;
type Of<M extends Method, P extends string> = `${M} ${P}` extends Operation ? Api[`${M} ${P}`] : never;

/** What an operation answers, without its envelope. */
export type DataOf<K extends Operation> = Api[K]['data'];
export type BodyOf<K extends Operation> = Api[K] extends { body: infer B } ? B : never;
export type QueryOf<K extends Operation> = Api[K] extends { query: infer Q } ? Q : never;

type PathPart<O> = O extends { path: infer P } ? { path: P } : { path?: undefined };
type QueryPart<O> = O extends { query: infer Q } ? { query?: Q } : { query?: undefined };
type Options<O> = Omit<RequestOptions, 'query' | 'body'> & PathPart<O> & QueryPart<O>;
/** Options may be left out where nothing in them is needed. */
type Rest<O> = O extends { path: unknown } ? [options: Options<O>] : [options?: Options<O>];
type Result<O> = ApiResult<O extends { data: infer D } ? D : never> &
  (O extends { meta: infer M } ? { meta: M } : { meta: undefined });

/** The API by its OpenAPI documents: paths, parameters, bodies and answers are checked where they are written. */
export interface TypedApi extends Pick<ApiClient, 'renewSession' | 'mayBeSignedIn'> {
  get<P extends PathOf<'GET'>>(path: P, ...rest: Rest<Of<'GET', P>>): Promise<Result<Of<'GET', P>>>;
  post<P extends PathOf<'POST'>>(
    path: P,
    body: BodyOf<`POST ${P}`> | Blob,
    ...rest: Rest<Of<'POST', P>>
  ): Promise<Result<Of<'POST', P>>>;
  patch<P extends PathOf<'PATCH'>>(
    path: P,
    body: BodyOf<`PATCH ${P}`>,
    ...rest: Rest<Of<'PATCH', P>>
  ): Promise<Result<Of<'PATCH', P>>>;
  delete<P extends PathOf<'DELETE'>>(
    path: P,
    ...rest: Rest<Of<'DELETE', P>>
  ): Promise<Result<Of<'DELETE', P>>>;
  /** Address for links and downloads. */
  url<P extends PathOf<'GET'>>(
    path: P,
    parts?: Partial<PathPart<Of<'GET', P>> & QueryPart<Of<'GET', P>>>,
  ): string;
}

interface AnyOptions extends RequestOptions {
  path?: Readonly<Record<string, string>> | undefined;
}

/** `/tickets/{id}` with its ids. */
export function fill(path: string, ids: Readonly<Record<string, string>> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? ''));
}

/** The client with the types of the documents; nothing else of it changes. */
export function typed(client: ApiClient): TypedApi {
  const send =
    (method: Method, hasBody: boolean) =>
    (path: string, ...args: unknown[]) => {
      const [body, options] = (hasBody ? args : [undefined, ...args]) as [unknown, AnyOptions | undefined];
      const { path: ids, ...rest } = options ?? {};
      return client.request(method, fill(path, ids), hasBody ? { ...rest, body } : rest);
    };
  const methods = {
    get: send('GET', false),
    post: send('POST', true),
    patch: send('PATCH', true),
    delete: send('DELETE', false),
    url: (path: string, parts: { path?: Record<string, string>; query?: Record<string, QueryValue> } = {}) =>
      client.url(fill(path, parts.path), parts.query),
    renewSession: client.renewSession,
    mayBeSignedIn: client.mayBeSignedIn,
  };
  return methods as unknown as TypedApi;
}

/** What a form sends: fields of the body, with values that are judged by the server. */
export type Fields<B> = { [K in keyof B]?: unknown };
/** Paths of things that can be changed, or removed, one by one. */
type WithId<M extends Method> =
  PathOf<M> extends infer P ? (P extends `${infer Path}/{id}` ? Path : never) : never;
type Saved<K extends string> = K extends Operation ? DataOf<K> : never;
type Sent<K extends string> = K extends Operation ? Fields<BodyOf<K>> : never;

/** Creating, changing and removing of what the platform keeps in collections, the same for all of them. */
export interface Collections {
  create<P extends PathOf<'POST'>>(
    path: P,
    body: Sent<`POST ${P}`>,
    idempotencyKey: string,
  ): Promise<Saved<`POST ${P}`>>;
  /** Change of one row; the tag is made of the version that was shown. */
  change<P extends WithId<'PATCH'>>(
    path: P,
    id: string,
    version: number,
    body: Sent<`PATCH ${P}/{id}`>,
  ): Promise<Saved<`PATCH ${P}/{id}`>>;
  remove(path: WithId<'DELETE'>, id: string, version: number): Promise<void>;
}

export function collections(client: ApiClient): Collections {
  const ifMatch = (version: number) => `"${version}"`;
  return {
    create: async <T>(path: string, body: unknown, idempotencyKey: string) =>
      (await client.request<T>('POST', path, { body, idempotencyKey })).data,
    change: async <T>(path: string, id: string, version: number, body: unknown) =>
      (await client.request<T>('PATCH', `${path}/${id}`, { body, ifMatch: ifMatch(version) })).data,
    remove: async (path, id, version) =>
      void (await client.request('DELETE', `${path}/${id}`, { ifMatch: ifMatch(version) })),
  };
}
