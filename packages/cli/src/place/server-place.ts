import { setTimeout } from "node:timers/promises";
import { type Entry, isFinal } from "@sluice/core";
import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import { Complaint } from "../complaint.ts";
import type { CancelHow, Details, EntriesOptions, Listed, Place } from "./place.ts";

/** How often in a row a lost connection is taken up again without anything having come. */
const mostTries = 8;

/** A server of `@sluice/server`; what only it can do. */
export interface ServerPlace extends Place {
  readonly cancel: (executionId: string, how: CancelHow) => Promise<string>;
}

/**
 * Executions on a server.
 *
 * @param token is sent as a bearer token
 */
export function serverPlace(address: string, token: string | undefined): ServerPlace {
  const base = address.replace(/\/+$/, "");
  const identified: Record<string, string> =
    token === undefined || token === "" ? {} : { authorization: `Bearer ${token}` };
  const call = async (path: string, { headers, ...init }: Sent = {}): Promise<Response> => {
    const response = await reached(base, () =>
      fetch(`${base}${path}`, { ...init, headers: { ...identified, ...headers } }),
    );
    if (response.ok) return response;
    throw await refusalOf(response, base);
  };
  const send = (path: string, body: unknown): Promise<Response> =>
    call(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  const at = (executionId: string): string => `/executions/${encodeURIComponent(executionId)}`;
  const show = async (executionId: string): Promise<Details> => {
    const { position, ...details } = (await (await call(at(executionId))).json()) as Details & {
      readonly position?: string;
    };
    return { ...details, ...(position !== undefined && { lastSeq: Number.parseInt(position, 10) }) };
  };
  return {
    option: `--server ${base}`,
    async list({ flow, status, limit }) {
      const query = new URLSearchParams({
        ...(flow !== undefined && { flow }),
        ...(status !== undefined && { status: status.join(",") }),
        ...(limit !== undefined && { limit: String(limit) }),
      });
      const { executions } = (await (await call(`/executions?${query.toString()}`)).json()) as {
        readonly executions: readonly Listed[];
      };
      return executions;
    },
    show,
    async *entries(executionId, { after = 0, follow = false }: EntriesOptions = {}) {
      const { lastSeq = 0, status } = await show(executionId);
      if (!follow && after >= lastSeq) return;
      if (after >= lastSeq && status !== "running" && status !== "waiting") return;
      let had = String(after);
      for (let tries = 0; tries < mostTries; tries += 1) {
        const stream = await call(`${at(executionId)}/stream${had === "0" ? "" : `?after=${had}`}`);
        if (stream.status === 204 || stream.body === null) return;
        for await (const { id, event, data } of messagesIn(stream.body)) {
          if (event === "gap" || id === undefined) continue;
          const entry = JSON.parse(data) as Entry;
          had = id;
          tries = 0;
          yield entry;
          if (isFinal(entry) || (!follow && entry.live === 0 && entry.seq >= lastSeq)) return;
        }
        await setTimeout(250 * 2 ** tries); // the connection was lost, or the server starts anew
      }
      throw new Complaint({
        what: "The stream was lost again and again",
        where: base,
        mend: "Look whether the server is up",
      });
    },
    async answer(executionId, question, answer) {
      await send(`${at(executionId)}/answers/${encodeURIComponent(question)}`, { answer });
      return "The execution goes on with it:";
    },
    async cancel(executionId, how) {
      const { status } = (await (await send(`${at(executionId)}/cancel`, how)).json()) as { readonly status: string };
      return status;
    },
    moment() {
      throw new Complaint({
        what: "A moment is rebuilt from a store",
        where: base,
        mend: "Give --store instead of --server",
      });
    },
    close: async () => {},
  };
}

type Sent = Pick<RequestInit, "method" | "body"> & { readonly headers?: Readonly<Record<string, string>> };

/** @throws Complaint where nobody answers */
async function reached(base: string, ask: () => Promise<Response>): Promise<Response> {
  try {
    return await ask();
  } catch (cause) {
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : "";
    throw new Complaint({
      what: `The server cannot be reached${why === "" ? "" : `: ${why}`}`,
      where: base,
      mend: "Look at the address, and whether the server is up",
      cause,
    });
  }
}

async function refusalOf(response: Response, base: string): Promise<Complaint> {
  const text = await response.text();
  const problem = problemIn(text);
  const mend =
    problem.mend ??
    (response.status === 401 || response.status === 403 ? "Set SLUICE_TOKEN to a token that may do this" : undefined);
  return new Complaint({ what: problem.title ?? `The server answered ${response.status}`, where: base, mend });
}

function problemIn(text: string): { readonly title?: string; readonly mend?: string } {
  try {
    return JSON.parse(text) as { readonly title?: string; readonly mend?: string };
  } catch {
    return {}; // another server's page
  }
}

/** The messages of a stream until it ends, on purpose or not. */
async function* messagesIn(body: ReadableStream<Uint8Array>): AsyncGenerator<EventSourceMessage> {
  const decoded = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>);
  try {
    yield* decoded.pipeThrough(new EventSourceParserStream());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // how fetch tells that a connection broke
  }
}
