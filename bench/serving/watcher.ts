import { type Socket, connect } from "node:net";

const lineBreak = 10;

/** A client that counts messages and does nothing else, so that it is the server that is measured. */
export class Watcher {
  /** Settles when as many messages have come as it waits for. */
  readonly over: Promise<void>;
  readonly #socket: Socket;
  readonly #wanted: number | "end";
  readonly #end = Promise.withResolvers<void>();
  #messages = 0;
  /** Whether a message may end with the next byte. */
  #endsInBreak = false;

  /** @param wanted how many messages it waits for, or the one that tells of the execution's end */
  constructor(port: number, path: string, wanted: number | "end") {
    this.#wanted = wanted;
    this.over = this.#end.promise;
    this.over.catch(() => {}); // one that leaves is not waited for
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (data: Buffer) => this.#count(data));
    this.#socket.once("error", this.#end.reject);
    this.#socket.once("close", () =>
      this.#end.reject(new Error(`A stream has ended after ${this.#messages} messages`)),
    );
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`);
  }

  /** Reads no more, though it stays. */
  stall(): void {
    this.#socket.pause();
  }

  leave(): void {
    this.#socket.destroy();
  }

  #count(data: Buffer): void {
    if (this.#endsInBreak && data[0] === lineBreak) this.#messages += 1;
    for (let at = data.indexOf("\n\n"); at >= 0; at = data.indexOf("\n\n", at + 2)) this.#messages += 1;
    this.#endsInBreak = data.at(-1) === lineBreak && data.at(-2) !== lineBreak;
    const isOver = this.#wanted === "end" ? data.includes("flow:completed") : this.#messages >= this.#wanted;
    if (isOver) this.#end.resolve();
  }
}
