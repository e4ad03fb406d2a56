import type { ExecutionStatus, RunInput, Runnable, SpecOf } from "@sluice/core";
import type { z } from "zod";
import type { Executions, Flows, Started } from "../request/wire.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { type RemoteExecution, remoteExecution } from "./remote-execution.ts";
import type { Shown } from "./remote-log.ts";

/** An execution in a list. */
export interface ListedExecution {
  readonly executionId: string;
  readonly flow: string;
  readonly status: ExecutionStatus;
}

/** Which executions a list has. */
export interface ListFilter {
  readonly flow?: string;
  readonly status?: readonly ExecutionStatus[];
  /** The id of the last one that is known: the list goes on behind it. */
  readonly after?: string;
  /** 1 to 1,000. @default 100 */
  readonly limit?: number;
}

type NameOf<F> = F extends unknown ? (SpecOf<F> extends { readonly name: infer N extends string } ? N : string) : never;
type Named<F, N> = F extends unknown ? (N extends NameOf<F> ? F : never) : never;

/** A server's flows, by their names. */
export interface Client<F> {
  /**
   * Starts a flow. It has an answer when the execution is stored, where the server has a store.
   *
   * @param shown what the observables of the execution are to see @default all
   * @throws RemoteError `input-invalid`, `flow-unknown`, `forbidden`
   */
  readonly start: <const N extends NameOf<F>>(
    flow: N,
    input: RunInput<Named<F, N>>,
    shown?: Shown,
  ) => Promise<RemoteExecution<SpecOf<Named<F, N>>>>;
  /** An execution by its id. Nothing is asked of the server yet. */
  readonly execution: <const N extends NameOf<F>>(
    flow: N,
    id: string,
    shown?: Shown,
  ) => RemoteExecution<SpecOf<Named<F, N>>>;
  /** The names of its flows. */
  readonly flows: () => Promise<readonly string[]>;
  readonly list: (filter?: ListFilter) => Promise<readonly ListedExecution[]>;
}

/**
 * A client of a server that `createHandler` makes. It shares the flows' types and nothing else:
 * `createClient<typeof Triage | typeof Letter>({ url: "/api" })`.
 *
 * For browsers and Node; of the core it brings in what reads entries.
 */
export function createClient<F = Runnable>(options: ConnectionOptions): Client<F> {
  const connection = new Connection(options);
  const client: Client<never> = {
    start: async (flow: string, input: unknown, shown: Shown = {}) => {
      const path = `/flows/${encodeURIComponent(flow)}/executions`;
      const { executionId } = (await connection.post(path, { input })) as z.infer<typeof Started>;
      return remoteExecution(connection, executionId, shown);
    },
    execution: (_flow: string, id: string, shown: Shown = {}) => remoteExecution(connection, id, shown),
    flows: async () => ((await connection.get("/flows")) as z.infer<typeof Flows>).flows,
    list: async ({ status, limit, ...named } = {}) => {
      const query = new URLSearchParams({
        ...named,
        ...(status !== undefined && { status: status.join(",") }),
        ...(limit !== undefined && { limit: String(limit) }),
      });
      return ((await connection.get(`/executions?${query}`)) as z.infer<typeof Executions>).executions;
    },
  };
  return client as unknown as Client<F>; // the flows' types exist at compile time only
}
