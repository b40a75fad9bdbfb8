/** As much of a logger as the adapters need; pino fits. */
export interface AdapterLog {
  info(message: string): void;
  warn(message: string): void;
}

/** Says nothing. */
export const silentLog: AdapterLog = { info: () => {}, warn: () => {} };
