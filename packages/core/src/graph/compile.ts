import { safeParse } from "zod/v4/core";
import type { ChunkOptions, RetryOptions } from "../define/chunk-options.ts";
import { type FlowDefinition, definitionOf } from "../define/flow.ts";
import { type DefinitionProblem, FlowDefinitionError } from "./definition-problem.ts";
import type { Graph, GraphChunk, GraphRetry, GraphWarning } from "./graph.ts";
import { fnv1a } from "./hash.ts";
import { checkOptions, checkSpecOptions } from "./option-check.ts";
import { TriggerReader } from "./trigger-reader.ts";
import { checkWiring } from "./wiring-check.ts";

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
  const report = (problem: DefinitionProblem): void => void problems.push(problem);
  const reader = new TriggerReader(spec, new Map(chunks.map(({ key, options }) => [key, options.name ?? key])), report);
  const drafts = chunks.map(({ key, triggers, options }) => {
    const where = `${spec.name}.${key}`;
    checkOptions(options, triggers, where, report);
    return {
      name: options.name ?? key,
      ...(options.description !== undefined && { description: options.description }),
      triggers: triggers.map((trigger) => reader.read(trigger, where)),
      ...policiesOf(options),
      emits: (options.emits ?? []).map((event) => reader.event(event, where)),
    };
  });
  for (const accepted of spec.accepts ?? []) reader.event(accepted, spec.name);
  checkSpec(spec, report);

  const followed = new Set(
    drafts.flatMap(({ triggers }) =>
      triggers.flatMap(({ sources }) => sources.flatMap((source) => (source.on === "after" ? [source.chunk] : []))),
    ),
  );
  const nodes: GraphChunk[] = drafts.map((draft) => {
    const moments = draft.triggers.flatMap(({ sources }) => sources.map(({ on }) => on === "delta" || on === "opened"));
    return { ...draft, live: moments.length > 0 && moments.every(Boolean), leaf: !followed.has(draft.name) };
  });
  const accepts = (spec.accepts ?? []).map(({ name }) => name);
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

/** What the machine is to hold a chunk to. */
function policiesOf({
  retry,
  timeout,
  concurrency,
}: ChunkOptions): Pick<GraphChunk, "retry" | "timeout" | "concurrency"> {
  return {
    ...(retry !== undefined && { retry: retryOf(retry) }),
    ...(timeout !== undefined && { timeout }),
    ...(concurrency !== undefined && { concurrency }),
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

function checkSpec(spec: FlowDefinition["spec"], report: (problem: DefinitionProblem) => void): void {
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
    triggers.map(({ sources, guarded }) => [sources.map(({ label }) => label), guarded]),
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
