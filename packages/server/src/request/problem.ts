import { type ErrorCode, SluiceError } from "@sluice/core";

/** A refusal as a client gets it. */
export interface Problem {
  /** An HTTP status. */
  readonly status: number;
  /** A word for programs. */
  readonly code: string;
  /** What is wrong, in a sentence. */
  readonly title: string;
  /** How to mend it; left out where the client cannot. */
  readonly mend?: string;
}

/** Ends a request with a problem. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly problem: Problem;
  /** Of the answer, beside its own. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(problem: Problem, headers: Readonly<Record<string, string>> = {}) {
    super(problem.title);
    this.problem = problem;
    this.headers = headers;
  }
}

/** The errors that are about what a client has sent, or has come too late with. All others are the server's own. */
const statuses: Partial<Record<ErrorCode, number>> = {
  "answer-invalid": 422,
  "claim-lost": 409,
  "event-not-accepted": 403,
  "execution-ended": 409,
  "execution-released": 503,
  "execution-unknown": 404,
  "flow-unknown": 404,
  "input-invalid": 422,
  "interrupt-closed": 409,
  "interrupt-unknown": 404,
  "not-serialisable": 422,
  "payload-invalid": 422,
  "path-invalid": 400,
  "position-invalid": 400,
};

/** What a client is told of an error; undefined for one that is the server's own, of which it is told nothing. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Refusal) return error.problem;
  if (!(error instanceof SluiceError)) return undefined;
  const status = statuses[error.code];
  if (status === undefined) return undefined;
  const title = isForeign(error.cause) ? "What was sent could not be checked" : error.what;
  return { status, code: error.code, title, ...(error.mend !== undefined && { mend: error.mend }) };
}

/** Whether a cause is what others have thrown: an error that quotes it tells what nobody has looked through. */
export function isForeign(cause: unknown): boolean {
  if (cause === undefined || cause instanceof SluiceError) return false;
  return typeof cause !== "object" || cause === null || !("issues" in cause);
}

/** The answer that tells a problem. @see RFC 9457, Problem Details for HTTP APIs */
export function problemResponse(
  { status, code, title, mend }: Problem,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = JSON.stringify({ type: "about:blank", title, status, code, ...(mend !== undefined && { mend }) });
  return new Response(body, { status, headers: { ...headers, "content-type": "application/problem+json" } });
}
