import type { SchedulerLike } from "rxjs";
import type { Budget } from "../define/budget.ts";
import { definitionOf } from "../define/flow.ts";
import type { ChildOptions, Runnable } from "../define/runnable.ts";
import { SluiceError } from "../error/sluice-error.ts";
import { compile } from "../graph/compile.ts";
import type { EntryLog } from "../log/entry-log.ts";
import { validate } from "../schema/validate.ts";
import { aborted } from "./abort.ts";
import type { Account } from "./account.ts";
import { Accounts } from "./accounts.ts";
import type { Attempt } from "./attempt.ts";
import type { Identity } from "./identity.ts";
import { Shell } from "./shell.ts";
import type { Standstill } from "./standstill.ts";
import { initialState } from "./state-store.ts";

/** How many executions may run within each other. */
const maxDepth = 16;

/** What is launched. */
export interface Launch {
  readonly flow: unknown;
  readonly input: unknown;
  readonly create: (() => object) | undefined;
  readonly identity: Identity;
  readonly log: EntryLog;
  readonly scheduler: SchedulerLike;
  /** What its models may spend. */
  readonly budget: Budget | undefined;
  /** Of a child: what it spends from. */
  readonly account?: Account | undefined;
  /** Of a child: its root's. */
  readonly standstill?: Standstill;
}

/**
 * Makes an execution that has not started yet.
 *
 * @throws FlowDefinitionError when the flow has problems.
 * @throws SluiceError `flow-undefined`, or `input-invalid`
 */
export function launch({ flow, input, create, identity, log, scheduler, budget, account, standstill }: Launch): Shell {
  const graph = compile(flow);
  const definition = definitionOf(flow);
  const { spec } = definition;
  const valid = validate(spec.input, input, {
    code: "input-invalid",
    what: `The input of the flow "${spec.name}"`,
    where: spec.name,
    mend: "Give run() what the flow's `input` schema says",
  });
  const isLimited = budget !== undefined || account !== undefined || graph.chunks.some((chunk) => chunk.budget);
  const accounts = isLimited ? new Accounts(budget, account, (draft) => void shell.append(draft)) : undefined;
  const shell: Shell = new Shell({
    identity: accounts === undefined ? identity : { ...identity, accounts },
    definition,
    graph,
    instance: (create ?? definition.create)?.(),
    input: valid,
    initial: initialState(spec.state, spec.name),
    log,
    scheduler,
    child: launchChild,
    ...(standstill !== undefined && { standstill }),
  });
  return shell;
}

/** Runs a child of an attempt: in its root's log, under a path of its own. It ends with the attempt. */
function launchChild(
  parent: Shell,
  attempt: Attempt,
  flow: Runnable,
  input: unknown,
  { create, budget, bridge = true }: ChildOptions<Runnable>,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  promise.catch(() => {}); // a child that nobody awaits must not end the process
  try {
    // one that starts while the others of its parent are being ended would outlive it
    if (parent.ending !== undefined && !attempt.undoes) throw aborted(attempt.where, "its execution ends");
    if (parent.identity.path.length >= maxDepth) throw tooDeep(attempt.where);
    const child = launch({
      flow,
      input,
      create,
      identity: {
        id: parent.id,
        path: parent.childPath(compile(flow).flow),
        parent: attempt.activation.id,
        unbridged: parent.identity.unbridged === true || !bridge,
      },
      log: parent.log,
      scheduler: parent.scheduler,
      budget,
      standstill: parent.standstill,
      account: parent.identity.accounts?.of(attempt.chunk),
    });
    const forget = attempt.adopt(child);
    child.onEnded((error, result) => {
      forget();
      if (error === undefined) resolve(result);
      else reject(attempt.ended ? aborted(attempt.where, "its execution ends") : childError(error, attempt.where));
    });
    child.start();
  } catch (error) {
    reject(error);
  }
  return promise;
}

function childError(error: SluiceError, where: string): SluiceError {
  return new SluiceError("child-failed", {
    what: `A child did not complete: ${error.message}`,
    where,
    cause: error,
    retryable: error.retryable,
  });
}

function tooDeep(where: string): SluiceError {
  return new SluiceError("child-too-deep", {
    what: `More than ${maxDepth} executions run within each other`,
    where,
    mend: "Give the recursion an end, or loop by an event",
    retryable: false,
  });
}
