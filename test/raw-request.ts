// Requests written byte by byte: what no client that means well would send.
import { connect, type Socket } from "node:net";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A connection to a server, and all that comes over it until the server closes it. */
export function connected(url: string): { readonly socket: Socket; readonly answer: Promise<RawAnswer> } {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const parts: Buffer[] = [];
  socket.on("data", (part) => parts.push(part));
  socket.on("error", () => {}); // the server may hang up on what it does not want to hear
  const answer = new Promise<RawAnswer>((resolve) =>
    socket.once("close", () => resolve(answerOf(Buffer.concat(parts).toString()))),
  );
  return { socket, answer };
}

/** Sends bytes as they are, and waits for the server to close the connection. */
export async function raw(url: string, ...bytes: readonly (string | Uint8Array)[]): Promise<RawAnswer> {
  const { socket, answer } = connected(url);
  for (const part of bytes) socket.write(part);
  return answer;
}

/** Asks for a path as it is written here: clients that know addresses would tidy it first. */
export function rawGet(url: string, path: string, headers: readonly string[] = []): Promise<RawAnswer> {
  return raw(url, [`GET ${path} HTTP/1.1`, "host: x", "connection: close", ...headers, "", ""].join("\r\n"));
}

/** Posts bytes that say that they are JSON. */
export function rawPost(url: string, path: string, body: string | Uint8Array, headers: readonly string[] = []) {
  const bytes = Buffer.from(body);
  const length = `content-length: ${bytes.byteLength}`;
  const all = [`POST ${path} HTTP/1.1`, "host: x", "connection: close", "content-type: application/json", length];
  return raw(url, [...all, ...headers, "", ""].join("\r\n"), bytes);
}

function answerOf(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(first.split(" ")[1]), headers: new Map(headers), body: text.slice(end + 4) };
}
