import { type Entry, SluiceError } from "@sluice/core";
import type { SyncStore } from "@sluice/sqlite";
import { canonical } from "./witness.ts";

/** An entry of a stored log. */
export type Stored = Entry & { readonly key: string };

/** What a file has of its executions. */
export interface Logs {
  /** The entries of each, as they are stored. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly entries: ReadonlyMap<string, readonly Stored[]>;
}

/** Reads all logs; those of executions that had ended before are taken from there. */
export function readLogs(store: SyncStore, before?: Logs): Logs {
  const texts = new Map<string, readonly string[]>();
  const entries = new Map<string, readonly Stored[]>();
  for (const { executionId: id, lastSeq } of store.list({ limit: 10_000 })) {
    const old = before?.texts.get(id);
    const isSame = old?.length === lastSeq;
    const read = isSame ? old : store.read(id);
    texts.set(id, read);
    entries.set(id, (isSame && before?.entries.get(id)) || read.map((text, index) => storedOf(id, text, index + 1)));
  }
  return { texts, entries };
}

function storedOf(executionId: string, text: string, seq: number): Stored {
  const flow = executionId.slice(0, executionId.lastIndexOf("-"));
  const data = JSON.parse(text) as { readonly path?: readonly string[]; readonly activationId?: string };
  const path = data.path ?? [flow];
  const key = [executionId, ...path.slice(1), data.activationId ?? ""].join("/");
  return { seq, live: 0, executionId, ...data, path, key } as unknown as Stored; // what a store gives is what it was given
}

/** What an entry says: the same for one that an observer is shown and for one that is stored. */
export function textOf(entry: Entry): string {
  const { type, at, path, seq: _seq, live: _live, executionId: _id, key: _key, ...rest } = entry as Stored;
  return canonical({ type, at, path, ...(codesOnly(rest) as object) });
}

/** Errors as their codes. */
function codesOnly(value: unknown): unknown {
  if (value instanceof SluiceError) return { error: value.code };
  if (Array.isArray(value)) return value.map(codesOnly);
  if (typeof value !== "object" || value === null) return value;
  if ("~error" in value) return { error: (value["~error"] as { readonly code: string }).code };
  return Object.fromEntries(Object.entries(value).map(([name, own]) => [name, codesOnly(own)]));
}
