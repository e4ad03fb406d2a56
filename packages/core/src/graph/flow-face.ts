import { definitionOf } from "../define/flow.ts";
import type { Schema } from "../define/schema-path.ts";
import type { Named, TriggerPlan } from "../define/trigger-plan.ts";

/** What the outside meets of a flow: its schemas. */
export interface FlowFace {
  readonly name: string;
  readonly input: Schema;
  readonly state: Schema | undefined;
  /** Of the items of the runtime stream. */
  readonly stream: Schema | undefined;
  readonly result: Schema | undefined;
  /** The events that may come from outside. */
  readonly accepts: readonly Named[];
  /** The questions whose answer or expiry a chunk goes on from, with the schema of the answer; `ctx.ask` may ask others. */
  readonly asks: readonly Named[];
}

/**
 * The schemas of a flow, for whoever describes it to others.
 *
 * @throws SluiceError `flow-undefined` for what is no flow.
 */
export function faceOf(flow: unknown): FlowFace {
  const { spec, chunks } = definitionOf(flow);
  const { name, input, state, stream, result, accepts = [] } = spec;
  const plans = chunks.flatMap(({ triggers }) => triggers.flatMap(({ plan }) => partsOf(plan)));
  const asks = new Map(plans.flatMap((plan) => ("interrupt" in plan ? [[plan.interrupt.name, plan.interrupt]] : [])));
  return { name, input, state, stream, result, accepts, asks: [...asks.values()] };
}

function partsOf(plan: TriggerPlan): readonly TriggerPlan[] {
  return "of" in plan ? plan.of.flatMap(partsOf) : [plan];
}
