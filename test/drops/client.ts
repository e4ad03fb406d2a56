import { createHash } from "node:crypto";
import { type IncomingMessage, get } from "node:http";
import { createParser } from "eventsource-parser";
import type { Random } from "../kill/random.ts";
import { canonical } from "../kill/witness.ts";

/** Connections that one client may make: with more something goes round in circles. */
const mostConnections = 200;

/** Texts of entries in one way of writing, whichever server has written them: they differ in the order of their keys. */
const canonicals = new Map<string, string>();

/** How a client watches. */
export interface ClientOptions {
  readonly random: Random;
  /** Of the execution's stream. */
  readonly url: string;
  /** How often it drops its connection by itself. */
  readonly drops: number;
  /** When it does, at the latest, in bytes of the connection. */
  readonly mostBytes: number;
  /** Settles when the server can be reached. */
  readonly up: () => Promise<void>;
  /** Hears of each message that it has had. */
  readonly onMessage?: (id: string) => void;
}

/** A client over real sockets that drops its connection at any byte, and comes again with the last id that it has had. */
export class DroppingClient {
  /** Of all messages that it has had, in order. */
  readonly ids: string[] = [];
  /** Connections that it has dropped, and those that were dropped by the server. */
  drops = 0;
  losses = 0;
  readonly #options: ClientOptions;
  readonly #hash = createHash("sha256");

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Reads until the final entry. @returns a hash of the durable entries that it has had */
  async watch(): Promise<string> {
    const { drops, mostBytes, random, up } = this.#options;
    for (let connection = 0; connection < mostConnections; connection += 1) {
      await up();
      const end = await this.#connect(this.drops < drops ? random.below(mostBytes) : Number.POSITIVE_INFINITY);
      if (end === "over") return this.#hash.digest("hex");
      if (end === "dropped") this.drops += 1;
      else this.losses += 1;
    }
    throw new Error(`After ${mostConnections} connections it has had ${this.ids.length} messages`);
  }

  /** Reads so many bytes of one connection. */
  #connect(bytes: number): Promise<"over" | "dropped" | "lost"> {
    const { url } = this.#options;
    const last = this.ids.at(-1);
    return new Promise((resolve) => {
      const request = get(url, { agent: false, headers: last === undefined ? {} : { "last-event-id": last } });
      const end = (how: "over" | "dropped" | "lost"): void => {
        resolve(how);
        request.destroy();
      };
      request.on("error", () => end("lost"));
      request.on("response", (response) => {
        if (response.statusCode === 204) end("over");
        else this.#read(response, bytes, end);
      });
    });
  }

  #read(response: IncomingMessage, bytes: number, end: (how: "over" | "dropped" | "lost") => void): void {
    const decoder = new TextDecoder();
    let left = bytes;
    const parser = createParser({
      onEvent: ({ id = "", event = "", data }) => {
        this.ids.push(id);
        if (!id.includes(".")) this.#hash.update(`${id} ${event} ${canonicalOf(data)}\n`);
        this.#options.onMessage?.(id);
        if (event === "flow:completed") end("over");
      },
    });
    response.on("data", (chunk: Buffer) => {
      parser.feed(decoder.decode(chunk.subarray(0, left), { stream: true }));
      left -= chunk.length;
      if (left > 0) return;
      response.removeAllListeners("data");
      end("dropped");
    });
    response.on("error", () => end("lost"));
    response.on("close", () => end("lost"));
  }
}

function canonicalOf(text: string): string {
  const known = canonicals.get(text);
  if (known !== undefined) return known;
  const written = canonical(JSON.parse(text));
  canonicals.set(text, written);
  return written;
}
