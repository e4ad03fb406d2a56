import { type Entry, type Gap, isFinal } from "@sluice/core";
import { EventSourceParserStream } from "eventsource-parser/stream";
import type { Connection } from "./connection.ts";
import { RemoteError, refusalOf } from "./remote-error.ts";

/** Which entries of an execution are sent; those that are named add up. @default all */
export interface Shown {
  /** Entries of these types. */
  readonly types?: readonly Entry["type"][];
  /** What tells of these fields of replies, such as `triage:steps[*]`; a reply's name alone is all of it. */
  readonly fields?: readonly string[];
  /** Items of the runtime stream. @default false */
  readonly items?: boolean;
}

/** Where a reader begins. */
export interface LogOptions extends Shown {
  /** Behind this position: what a reader has had. @default at the beginning */
  readonly after?: string;
}

const mostPauseMs = 30_000;

/**
 * The log of an execution from a server. A lost connection is made again and goes on behind the last entry that came: none
 * is missed, none comes twice. It ends behind the final entry. What the server has dropped from memory is a `gap`.
 *
 * @throws RemoteError when the server refuses, or has failed too often in a row
 */
export async function* remoteLog(
  connection: Connection,
  executionId: string,
  options: LogOptions,
  abortSignal: AbortSignal,
): AsyncGenerator<Entry | Gap, void, undefined> {
  const path = `/executions/${encodeURIComponent(executionId)}/stream${queryOf(options)}`;
  let { after: had = "" } = options;
  let retryMs = 1_000;
  for (let failures = 0; !abortSignal.aborted;) {
    try {
      const headers = { accept: "text/event-stream", ...(had !== "" && { "last-event-id": had }) };
      const response = await connection.request(path, { headers, signal: abortSignal });
      if (response.status === 204) return;
      if (!response.ok || response.body === null) throw await refusalOf(response);
      const onRetry = (ms: number): void => void (retryMs = ms);
      const messages = response.body
        .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>) // its own type takes any buffer
        .pipeThrough(new EventSourceParserStream({ onRetry }));
      for await (const { id, data } of messages) {
        failures = 0;
        const entry = JSON.parse(data) as Entry | Gap;
        yield entry;
        if (entry.type !== "gap" && isFinal(entry)) return;
        had = id ?? had;
      }
    } catch (error) {
      if (abortSignal.aborted) return;
      failures += 1;
      if (isLasting(error) || failures >= connection.attempts) throw error;
    }
    await connection.pause(Math.min(retryMs * 2 ** Math.max(0, failures - 1), mostPauseMs), abortSignal);
  }
}

function queryOf({ types = [], fields = [], items = false }: Shown): string {
  const query = new URLSearchParams();
  if (types.length > 0) query.set("types", types.join(","));
  if (fields.length > 0) query.set("fields", fields.join(","));
  if (items) query.set("items", "");
  return query.size === 0 ? "" : `?${query}`;
}

/** Whether it would be refused again. */
function isLasting(error: unknown): boolean {
  if (!(error instanceof RemoteError) || error.status === undefined) return false;
  return error.status < 500 && error.status !== 408 && error.status !== 429;
}
