import { type FlowDefinition, definitionOf } from "../define/flow.ts";
import type { Schema } from "../define/schema-path.ts";
import { answersOf } from "../run/answer-schemas.ts";

/** The schemas of what goes into a flow and comes out of it, for hosts: forms, prompts, descriptions. */
export interface FlowSchemas {
  readonly input: Schema;
  readonly state?: Schema;
  readonly stream?: Schema;
  readonly result?: Schema;
  /** The payloads of the events that may come from outside, by the event's name. */
  readonly accepts: ReadonlyMap<string, Schema>;
  /** The answers to questions that something in the flow listens to or that it says it asks, by the question's name. */
  readonly answers: ReadonlyMap<string, Schema>;
}

/**
 * The schemas of a flow.
 *
 * @throws SluiceError `flow-undefined` for what is no flow
 */
export function schemasOf(flow: unknown): FlowSchemas {
  const definition: FlowDefinition = definitionOf(flow);
  const { input, state, stream, result, accepts = [] } = definition.spec;
  return {
    input,
    ...(state !== undefined && { state }),
    ...(stream !== undefined && { stream }),
    ...(result !== undefined && { result }),
    accepts: new Map(accepts.map(({ name, schema }) => [name, schema])),
    answers: answersOf(definition),
  };
}
