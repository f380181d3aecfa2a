import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Connection {
  /** Requests under way. */
  busy: number;
  /** The answer begun last. */
  answer: ServerResponse | undefined;
}

/** The open connections of a listener and what each has under way. */
export class Connections {
  readonly #open = new Map<Socket, Connection>();
  #onEmpty: (() => void) | undefined;
  #draining = false;

  get draining(): boolean {
    return this.#draining;
  }

  get size(): number {
    return this.#open.size;
  }

  isIdle(socket: Socket): boolean {
    return (this.#open.get(socket)?.busy ?? 0) === 0;
  }

  /** The answer to the request that is under way. */
  answerOn(socket: Socket): ServerResponse | undefined {
    return this.#open.get(socket)?.answer;
  }

  opened(socket: Socket): void {
    // Node remembers it from the first look on: who asks after the client has left still learns it.
    void socket.remoteAddress;
    this.#open.set(socket, { busy: 0, answer: undefined });
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size === 0) this.#onEmpty?.();
    });
  }

  requestStarted(socket: Socket, answer?: ServerResponse): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.busy += 1;
    connection.answer = answer;
  }

  requestEnded(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.busy -= 1;
    if (connection.busy > 0) return;
    connection.answer = undefined;
    // What is no longer writable lingers, and closes by itself.
    if (this.#draining && socket.writable) socket.destroySoon();
  }

  /** Closes what is idle, and the rest as it becomes so; fulfilled when nothing is left. */
  drain(): Promise<void> {
    this.#draining = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    if (this.#open.size === 0) resolve();
    for (const [socket, { busy }] of this.#open) if (busy === 0) socket.destroySoon();
    return promise;
  }

  cut(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}
