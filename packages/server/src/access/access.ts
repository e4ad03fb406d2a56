import type { Action, Authorize } from "../request/action.ts";
import { Refusal } from "../request/problem.ts";
import type { ReadTokens } from "./read-tokens.ts";

/** Who is let in. */
export interface AccessOptions {
  /** Says who may do what. Without it nobody may do anything, unless `development` is set. */
  readonly authorize?: Authorize;
  /** Let everybody do everything where no `authorize` is given: for a machine of one's own. @default false */
  readonly development?: boolean;
}

/** What a read token is enough for. */
const withToken: readonly Action[] = ["read", "stream"];

/**
 * Lets a request do what it asks for. One that comes with a read token is let in by that, and by nothing else.
 *
 * @returns when what lets it in runs out, in Unix milliseconds; undefined where that never does
 * @throws Refusal 401, 403
 */
export async function admit(
  options: AccessOptions,
  tokens: ReadTokens | undefined,
  ...[request, action, target]: Parameters<Authorize>
): Promise<number | undefined> {
  const token = tokens && withToken.includes(action) ? new URL(request.url).searchParams.get("token") : null;
  if (token !== null) return tokens?.check(token, target.executionId ?? "");
  if (!(await mayDo(options, request, action, target))) throw forbidden(action, options);
  return undefined;
}

async function mayDo(
  { authorize, development = false }: AccessOptions,
  ...asked: Parameters<Authorize>
): Promise<boolean> {
  if (authorize === undefined) return development;
  try {
    return (await authorize(...asked)) === true;
  } catch {
    return false;
  }
}

function forbidden(action: Action, { authorize, development }: AccessOptions): Refusal {
  const isUnset = authorize === undefined && development !== true;
  return new Refusal({
    status: 403,
    code: "forbidden",
    title: `This request may not ${action}`,
    ...(isUnset && { mend: "Give createHandler an `authorize`, or set `development` on a machine of your own" }),
  });
}
