import type { ChildProcess } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';

/** Hands the output on. Who takes it may go; the command is not left to write into nothing. */
export function drain(child: ChildProcess, into: Writable): void {
  child.stdout!.pipe(into, { end: false });
  const gone = () => {
    child.kill('SIGTERM');
    child.stdout!.resume();
  };
  into.once('close', gone).once('error', gone);
  child.once('close', () => into.off('close', gone).off('error', gone));
}

/** A command may end without reading all that it is given; that is its affair. */
export function feed(child: ChildProcess, stdin: string | Uint8Array | Readable): void {
  const source = stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin)]);
  child.stdin!.on('error', () => source.destroy());
  source.on('error', () => child.kill('SIGTERM'));
  source.pipe(child.stdin!);
}
