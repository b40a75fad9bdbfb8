declare module 'autocannon' {
  interface Options {
    url: string;
    connections: number;
    duration: number;
    timeout?: number;
    requests: { method: string; path: string; headers?: Record<string, string>; body?: string }[];
  }
  interface Result {
    duration: number;
    errors: number;
    timeouts: number;
    non2xx: number;
    '2xx': number;
  }
  interface Instance extends PromiseLike<Result> {
    on(
      event: 'response',
      listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void,
    ): this;
  }
  export default function autocannon(options: Options): Instance;
}
