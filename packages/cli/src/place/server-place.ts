import { isFinal } from "@sluice/core";
import { type RemoteExecution, RemoteError, createClient } from "@sluice/server/client";
import { Complaint } from "../complaint.ts";
import type { CancelHow, EntriesOptions, Place } from "./place.ts";

/** How often in a row a lost connection is taken up again without anything having come. */
const mostTries = 6;

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
  const url = address.replace(/\/+$/, "");
  const identified: Record<string, string> =
    token === undefined || token === "" ? {} : { authorization: `Bearer ${token}` };
  const client = createClient({ url, attempts: mostTries, headers: () => identified });
  const execution = (id: string): RemoteExecution => client.execution("", id); // by its id alone
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw complaintOf(error, url);
    }
  };
  const show = async (executionId: string) => {
    const { position, ...details } = await told(execution(executionId).get());
    return { ...details, lastSeq: Number.parseInt(position, 10) };
  };
  return {
    option: `--server ${url}`,
    list: (filter) => told(client.list(filter)),
    show,
    async *entries(executionId, { after = 0, follow = false }: EntriesOptions = {}) {
      const { lastSeq, status } = await show(executionId);
      const isOver = status !== "running" && status !== "waiting";
      if (after >= lastSeq && (isOver || !follow)) return;
      try {
        for await (const entry of execution(executionId).events(after === 0 ? {} : { after: `${after}` })) {
          if (entry.type === "gap") continue;
          yield entry;
          if (isFinal(entry) || (!follow && entry.live === 0 && entry.seq >= lastSeq)) return;
        }
      } catch (error) {
        throw complaintOf(error, url);
      }
    },
    async answer(executionId, question, answer) {
      await told(execution(executionId).answer(question, answer));
      return "The execution goes on with it:";
    },
    async cancel(executionId, { reason, rollback }) {
      await told(execution(executionId).cancel(reason, { rollback }));
      return (await show(executionId)).status;
    },
    moment() {
      throw new Complaint({
        what: "A moment is rebuilt from a store",
        where: url,
        mend: "Give --store instead of --server",
      });
    },
    close: async () => {},
  };
}

/** What went wrong with a server, for people: it has refused, or nobody is there. */
function complaintOf(error: unknown, where: string): unknown {
  if (error instanceof RemoteError) {
    const { what, status } = error;
    const isStranger = status === 401 || status === 403;
    const mend = error.mend ?? (isStranger ? "Set SLUICE_TOKEN to a token that may do this" : undefined);
    return new Complaint({ what, where, mend, cause: error });
  }
  if (!(error instanceof TypeError)) return error; // how fetch tells that nobody answers
  const why = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return new Complaint({
    what: `The server cannot be reached${why}`,
    where,
    mend: "Look at the address, and whether the server is up",
    cause: error,
  });
}
