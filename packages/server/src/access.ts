import type { Action, Authorize, Target } from "./action.ts";
import { Refusal } from "./problem.ts";

/** Who is let in. */
export interface AccessOptions {
  /** Says who may do what. Without it nobody may do anything, unless `development` is set. */
  readonly authorize?: Authorize;
  /** Let everybody do everything where no `authorize` is given: for a machine of one's own. @default false */
  readonly development?: boolean;
}

/** Lets a request do what it asks for. @throws Refusal 403 */
export async function admit(options: AccessOptions, request: Request, action: Action, target: Target): Promise<void> {
  if (!(await mayDo(options, request, action, target))) throw forbidden(action, options);
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
