import type { SchedulerLike } from "rxjs";
import type { Amount, Budget } from "../define/budget.ts";
import { definitionOf } from "../define/flow.ts";
import type { ChildOptions, Runnable } from "../define/runnable.ts";
import { SluiceError } from "../error/sluice-error.ts";
import { compile } from "../graph/compile.ts";
import type { EntryLog } from "../log/entry-log.ts";
import type { EntryDraft } from "../machine/entry.ts";
import { validate } from "../schema/validate.ts";
import type { Writer } from "../store/writer.ts";
import { aborted } from "./abort.ts";
import type { Account } from "./account.ts";
import { Accounts } from "./accounts.ts";
import type { Attempt } from "./attempt.ts";
import { endError } from "./ending.ts";
import type { Continuing } from "./known-flow.ts";
import type { Identity } from "./identity.ts";
import type { LostChild, Past } from "./past.ts";
import { plainCopy } from "./plain-data.ts";
import { Shell } from "./shell.ts";
import type { Standstill } from "./standstill.ts";
import { initialState } from "./state-store.ts";

/** How many executions may run within each other. */
const maxDepth = 16;

/** What is launched. */
export interface Launch {
  readonly flow: unknown;
  /** As its schema puts it out; of one that goes on, anything. */
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
  /** Of a child: hears what it spends. */
  readonly onCost?: (cost: Amount) => void;
  readonly writer?: Writer | undefined;
  /** What is stored of it, of one that goes on. */
  readonly past?: Past | undefined;
  /** Whether it waits for people, as far as the store knows. */
  readonly isWaiting?: boolean;
  /** How its children go on, of one that does. */
  readonly continuing?: Continuing | undefined;
}

/**
 * The input of a flow as its schema puts it out.
 *
 * @throws FlowDefinitionError when the flow has problems.
 * @throws SluiceError `flow-undefined`, or `input-invalid`
 */
export function validInput(flow: unknown, input: unknown): unknown {
  compile(flow);
  const { spec } = definitionOf(flow);
  return validate(spec.input, input, {
    code: "input-invalid",
    what: `The input of the flow "${spec.name}"`,
    where: spec.name,
    mend: "Give run() what the flow's `input` schema says",
  });
}

/** Makes an execution that has not started yet, or does not go on yet. */
export function launch(given: Launch): Shell {
  const { flow, input, create, identity, log, scheduler, budget, account, standstill, writer, past, continuing } =
    given;
  const graph = compile(flow);
  const definition = definitionOf(flow);
  const { spec } = definition;
  const isLimited = budget !== undefined || account !== undefined || graph.chunks.some((chunk) => chunk.budget);
  const tell = (draft: EntryDraft): void => void shell.append(draft);
  const accounts = isLimited ? new Accounts(budget, account, tell, past?.spending) : undefined;
  const shell: Shell = new Shell({
    identity: accounts === undefined ? identity : { ...identity, accounts },
    definition,
    graph,
    instance: (create ?? definition.create)?.(),
    input,
    initial: initialState(spec.state, spec.name),
    log,
    scheduler,
    child: launchChild,
    relaunch,
    continuing,
    ...(standstill !== undefined && { standstill }),
    ...(given.onCost !== undefined && { onCost: given.onCost }),
    ...(writer !== undefined && { writer }),
    ...(past !== undefined && { past, isWaiting: given.isWaiting === true }),
  });
  return shell;
}

/** Runs a child of an attempt: in its root's log, under a path of its own. It ends with the attempt. */
function launchChild(
  parent: Shell,
  attempt: Attempt,
  flow: Runnable,
  given: unknown,
  { create, budget, bridge = true }: ChildOptions<Runnable>,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  promise.catch(() => {}); // a child that nobody awaits must not end the process
  const settle = (error: SluiceError | undefined, result: unknown): void => {
    if (error === undefined) resolve(result);
    else reject(attempt.ended ? aborted(attempt.where, "its execution ends") : childError(error, attempt.where));
  };
  try {
    // one that starts while the others of its parent are being ended would outlive it
    if (parent.ending !== undefined && !attempt.undoes) throw aborted(attempt.where, "its execution ends");
    if (parent.identity.path.length >= maxDepth) throw tooDeep(attempt.where);
    const input = validInput(flow, given);
    const { flow: name, hash: graphHash } = compile(flow);
    const past = lostOf(parent, attempt, flow, input);
    if (past?.final !== undefined) {
      parent.keeper?.keep(attempt, { flow: name, graphHash, input, past });
      settle(endError(past.final, name), past.final.type === "flow:completed" ? past.final.result : undefined);
      return promise;
    }
    const child = launchBelow(parent, attempt, { flow, input, create, budget, bridge, past });
    parent.keeper?.keep(attempt, { flow: name, graphHash, input, past: { list: () => child.checkpoint() } });
    const forget = attempt.adopt(child);
    child.onEnded((error, result) => {
      forget();
      settle(error, result);
    });
    child.start();
  } catch (error) {
    reject(error);
  }
  return promise;
}

/** Makes a child run again that nobody has asked for, where its flow is known: so that what it has done can be undone. */
function relaunch(parent: Shell, attempt: Attempt, { flow: name, past, input }: LostChild) {
  const known = parent.continuing?.flows.get(name);
  if (known === undefined) return undefined;
  const child = launchBelow(parent, attempt, { ...known, create: known.create, input, past });
  child.start();
  return child;
}

type BelowLaunch = Pick<Launch, "flow" | "input" | "create" | "past"> & {
  readonly budget?: Budget | undefined;
  readonly bridge?: boolean;
};

function launchBelow(parent: Shell, attempt: Attempt, { bridge = true, ...given }: BelowLaunch): Shell {
  return launch({
    budget: undefined,
    ...given,
    identity: {
      id: parent.id,
      path: given.past?.path ?? parent.childPath(compile(given.flow).flow),
      parent: attempt.activation.id,
      unbridged: parent.identity.unbridged === true || !bridge,
    },
    log: parent.log,
    writer: parent.keeper?.writer,
    scheduler: parent.scheduler,
    standstill: parent.standstill,
    continuing: parent.continuing,
    account: parent.identity.accounts?.of(attempt.chunk),
    onCost: (cost) => parent.keeper?.spend(attempt.chunk.name, cost),
  });
}

/** What the same call of an attempt that a crash has ended has come to. */
function lostOf(parent: Shell, { kin, where }: Attempt, flow: Runnable, input: unknown): Past | undefined {
  const { flow: name, hash } = compile(flow);
  const lost = kin?.claim(name, kin === undefined ? input : plainCopy(input, where));
  const isSame = lost === undefined || lost.graphHash === hash || lost.past.final !== undefined;
  if (isSame || parent.continuing?.acceptChanges === true) return lost?.past;
  throw childChanged(name, where);
}

/** A child goes on that was wired differently. */
export function childChanged(flow: string, where: string): SluiceError {
  return new SluiceError("graph-changed", {
    what: `A child of the flow "${flow}" is under way, and that flow has been wired differently since`,
    where,
    mend: "Finish the execution with the old code, or accept the change with `acceptChanges: true`",
    retryable: false,
  });
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
