import { safeParse } from "zod/v4/core";
import type { ChunkOptions, RetryOptions } from "../define/chunk-options.ts";
import { type FlowDefinition, definitionOf } from "../define/flow.ts";
import { type DefinitionProblem, FlowDefinitionError } from "./definition-problem.ts";
import { type Graph, type GraphChunk, type GraphRetry, type GraphWarning, isOperator, sourcesOf } from "./graph.ts";
import { fnv1a } from "./hash.ts";
import { checkLanes } from "./lane-check.ts";
import { checkOptions, checkSpecOptions } from "./option-check.ts";
import { Scopes } from "./scope.ts";
import { TriggerReader } from "./trigger-reader.ts";
import { checkWiring } from "./wiring-check.ts";

type Report = (problem: DefinitionProblem) => void;

const compiled = new WeakMap<FlowDefinition, Graph>();

/**
 * Compiles a flow to its trigger graph: plain JSON with stable names and a hash of the routing. It makes no instance and
 * runs no chunk. The graph of a class or builder is made once and kept.
 *
 * @throws FlowDefinitionError with every problem of the definition at once.
 * @throws SluiceError `flow-undefined` for what is no flow.
 */
export function compile(flow: unknown): Graph {
  const definition = definitionOf(flow);
  const known = compiled.get(definition);
  if (known !== undefined) return known;
  const graph = build(definition);
  compiled.set(definition, graph);
  return graph;
}

function build({ spec, chunks }: FlowDefinition): Graph {
  const problems: DefinitionProblem[] = [];
  const report: Report = (problem) => void problems.push(problem);
  const reader = new TriggerReader(spec, new Map(chunks.map(({ key, options }) => [key, options.name ?? key])), report);
  const drafts = chunks.map(({ key, triggers, options, compensate }) => {
    const where = `${spec.name}.${key}`;
    checkOptions(options, triggers, where, report);
    if (triggers.length === 0) {
      report({ code: "chunk-untriggered", where, what: "nothing triggers this chunk", mend: "Give it an @on(…)" });
    }
    if (compensate !== undefined && compensate.run === undefined) {
      const what = `there is no method ${compensate.label} to undo it with`;
      report({ code: "chunk-unknown", where, what, mend: "Name a method of the class in `compensate`" });
    }
    return {
      name: options.name ?? key,
      ...(options.description !== undefined && { description: options.description }),
      triggers: triggers.map((trigger) => reader.read(trigger, where)).filter((trigger) => trigger !== undefined),
      ...policiesOf(options),
      ...(compensate !== undefined && { compensated: true }),
      emits: (options.emits ?? []).map((one) => reader.emitted(one, where)),
    };
  });
  for (const accepted of spec.accepts ?? []) reader.event(accepted, spec.name);
  checkSpec(spec, report);

  const accepts = (spec.accepts ?? []).map(({ name }) => name);
  const nodes = finish(spec.name, drafts, accepts, report);
  const warnings: GraphWarning[] = checkWiring(spec.name, nodes, accepts, report);
  if (problems.length > 0) throw new FlowDefinitionError(spec.name, problems);
  const { timeout, concurrency, keepOpen, idle } = spec;
  return deepFreeze({
    flow: spec.name,
    ...(timeout !== undefined && { timeout }),
    ...(concurrency !== undefined && { concurrency }),
    ...(keepOpen === true && { keepOpen }),
    ...(idle !== undefined && { idle }),
    chunks: nodes,
    accepts,
    warnings,
    hash: hashOf(spec.name, nodes, accepts),
  });
}

type Draft = Omit<GraphChunk, "live" | "leaf" | "fan">;

/** What a chunk is within the whole of the graph. */
function finish(flow: string, drafts: readonly Draft[], accepts: readonly string[], report: Report): GraphChunk[] {
  const sources = drafts.flatMap(({ triggers }) => triggers.flatMap(({ expression }) => sourcesOf(expression)));
  const followed = new Set(
    sources.flatMap((source) => (source.on === "after" || source.on === "gather" ? [source.chunk] : [])),
  );
  const isNested = drafts.some(({ triggers }) => triggers.some(({ expression }) => isOperator(expression)));
  const gathers = sources.some(({ on }) => on === "gather");
  // flows without joins and gathers need no scopes
  const fans = isNested || gathers ? checkLanes(flow, drafts, new Scopes(drafts, accepts), report) : new Map();
  return drafts.map((draft) => {
    const moments = draft.triggers.flatMap(({ expression }) => sourcesOf(expression).map(({ on }) => on));
    const fan = fans.get(draft.name);
    return {
      ...draft,
      live: moments.length > 0 && moments.every((on) => on === "delta" || on === "opened"),
      leaf: !followed.has(draft.name),
      ...(fan !== undefined && { fan }),
    };
  });
}

/** What the machine is to hold a chunk to. */
function policiesOf({
  retry,
  timeout,
  concurrency,
  budget,
}: ChunkOptions): Pick<GraphChunk, "retry" | "timeout" | "concurrency" | "budget"> {
  return {
    ...(retry !== undefined && { retry: retryOf(retry) }),
    ...(timeout !== undefined && { timeout }),
    ...(concurrency !== undefined && { concurrency }),
    ...(budget !== undefined && { budget: { ...budget } }),
  };
}

function retryOf({
  attempts = 3,
  delay = 1_000,
  factor = 2,
  maxDelay = 30_000,
  jitter = true,
}: RetryOptions): GraphRetry {
  return { attempts, delay, factor, maxDelay, jitter };
}

function checkSpec(spec: FlowDefinition["spec"], report: Report): void {
  checkSpecOptions(spec, report);
  if (spec.state === undefined) return;
  const parsed = safeParse(spec.state, {});
  if (parsed.success) return;
  report({
    code: "state-schema",
    where: spec.name,
    what: `the state schema does not accept {}, with which an execution starts: ${parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ")}`,
    mend: "Give its keys .default(…) or make them .optional()",
  });
}

function hashOf(flow: string, chunks: readonly GraphChunk[], accepts: readonly string[]): string {
  const routing = chunks.map(({ name, triggers }) => [
    name,
    triggers.map(({ label, guarded, once, by, timeout }) => [label, guarded, once, by, timeout]),
  ]);
  return fnv1a(JSON.stringify([flow, routing, accepts]));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
