/** A stream that psactl writes to. */
export interface Output {
  /** Bytes are written as they are. */
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}
