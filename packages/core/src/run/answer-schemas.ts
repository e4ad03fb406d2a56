import type { FlowDefinition } from "../define/flow.ts";
import type { Interrupt } from "../define/interrupt.ts";
import type { TriggerPlan } from "../define/trigger-plan.ts";

/** What the answers to questions must fit, by the question's name. */
export type AnswerSchemas = ReadonlyMap<string, Interrupt["answer"]>;

const known = new WeakMap<FlowDefinition, AnswerSchemas>();

/** The schemas of the answers that something in a flow listens to, or that a chunk says it asks for. */
export function answersOf(definition: FlowDefinition): AnswerSchemas {
  const answers = known.get(definition) ?? readAnswers(definition);
  known.set(definition, answers);
  return answers;
}

function readAnswers({ chunks }: FlowDefinition): AnswerSchemas {
  const answers = new Map<string, Interrupt["answer"]>();
  const visit = (plan: TriggerPlan): void => {
    if ("interrupt" in plan) answers.set(plan.interrupt.name, plan.interrupt.schema);
    if ("of" in plan) for (const part of plan.of) visit(part);
  };
  for (const { triggers, options } of chunks) {
    for (const { plan } of triggers) visit(plan);
    for (const one of options.emits ?? []) if ("answered" in one) answers.set(one.name, one.answer);
  }
  return answers;
}
