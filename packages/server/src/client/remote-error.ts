import type { z } from "zod";
import type { Failure, Problem } from "../request/wire.ts";

/** What a server has refused, or an execution of it has failed with. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  /** What is wrong, without how to mend it. */
  readonly what: string;
  /** A word for programs: a code of `docs/errors.md`, or one of the server's own. */
  readonly code: string;
  /** The HTTP status of a refusal; undefined where an execution has failed. */
  readonly status: number | undefined;
  /** How to mend it, where the client can. */
  readonly mend: string | undefined;

  constructor(code: string, what: string, { status, mend }: { status?: number; mend?: string | undefined } = {}) {
    super(mend === undefined ? what : `${what}. ${mend}`);
    this.what = what;
    this.code = code;
    this.status = status;
    this.mend = mend;
  }
}

/** The refusal that an answer tells. Of one that does not tell why, its status is all there is. */
export async function refusalOf(response: Response): Promise<RemoteError> {
  const { status } = response;
  const isTold = response.headers.get("content-type")?.startsWith("application/problem+json") === true;
  const problem = isTold ? ((await response.json()) as z.infer<typeof Problem>) : undefined;
  if (!isTold) await response.body?.cancel();
  const title = problem?.title ?? `The server has answered with ${status}`;
  return new RemoteError(problem?.code ?? "server-failed", title, { status, mend: problem?.mend });
}

/** What an execution has failed with. */
export function failureOf({ name, message, code }: z.infer<typeof Failure>): RemoteError {
  return new RemoteError(code ?? name, message);
}
