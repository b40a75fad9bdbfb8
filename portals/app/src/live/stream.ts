/** What the stream says of one event; the rest of the envelope may come along. */
export interface LiveMessage {
  type: string;
  aggregate: { type: string; id: string };
  [field: string]: unknown;
}

export type LiveStatus = 'connecting' | 'open' | 'waiting' | 'closed';

export interface LiveStreamOptions {
  url: string;
  onMessage: (message: LiveMessage) => void;
  onStatus?: (status: LiveStatus) => void;
  /** The stream was interrupted: anything may have been missed, so refetch. */
  onGap?: () => void;
  /** Renews the session when the server refused the connection; false stops for good. */
  renewSession?: () => Promise<boolean>;
  createSocket?: (url: string) => WebSocket;
  /** Milliseconds; default doubling from 1 s to 30 s with jitter. */
  delay?: (attempt: number) => number;
}

export interface LiveStream {
  close(): void;
  /** Connects at once instead of waiting (the browser came back online, the tab was opened again). */
  retryNow(): void;
}

/** Close codes after which the session is renewed first: policy violation, and the platform's own 4401. */
const UNAUTHORISED = new Set([1008, 4401]);

export function reconnectDelay(attempt: number, random: () => number = Math.random): number {
  return Math.min(30_000, 1000 * 2 ** attempt) * (0.5 + random() * 0.5);
}

/** Reads one frame; null for anything that is not an event (heartbeats, greetings). */
export function parseLiveMessage(text: unknown): LiveMessage | null {
  if (typeof text !== 'string') return null;
  try {
    const value = JSON.parse(text) as Partial<LiveMessage> | null;
    const aggregate = value?.aggregate;
    if (typeof value?.type !== 'string' || typeof aggregate?.type !== 'string') return null;
    return typeof aggregate.id === 'string' ? (value as LiveMessage) : null;
  } catch {
    return null;
  }
}

/** Keeps a WebSocket to the event stream open until closed. */
export function openLiveStream(options: LiveStreamOptions): LiveStream {
  const create = options.createSocket ?? ((url: string) => new WebSocket(url));
  const delay = options.delay ?? reconnectDelay;
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let stopped = false;
  let everOpen = false;

  const status = (value: LiveStatus) => options.onStatus?.(value);

  function connect(): void {
    clearTimeout(timer);
    timer = undefined;
    status('connecting');
    const current = create(options.url);
    socket = current;
    let opened = false;
    current.onopen = () => {
      opened = true;
      attempt = 0;
      status('open');
      if (everOpen) options.onGap?.();
      everOpen = true;
    };
    current.onmessage = (event) => {
      const message = parseLiveMessage(event.data);
      if (message) options.onMessage(message);
    };
    current.onclose = (event) => {
      if (stopped || socket !== current) return;
      socket = null;
      // A refused upgrade closes with 1006 before opening and hides its status from scripts, so every
      // second failed attempt asks for a fresh session too.
      const refused = UNAUTHORISED.has(event.code) || (!opened && attempt % 2 === 1);
      void again(refused);
    };
  }

  async function again(refused: boolean): Promise<void> {
    status('waiting');
    if (refused && options.renewSession) {
      const alive = await options.renewSession().catch(() => true);
      if (stopped) return;
      if (!alive) {
        stopped = true;
        status('closed');
        return;
      }
    }
    if (socket === null && timer === undefined) timer = setTimeout(connect, delay(attempt++));
  }

  connect();
  return {
    close() {
      stopped = true;
      clearTimeout(timer);
      socket?.close(1000);
      socket = null;
      status('closed');
    },
    retryNow() {
      if (!stopped && timer !== undefined) connect();
    },
  };
}
