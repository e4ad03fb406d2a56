import type { TriggerDefinition } from "../define/flow.ts";
import { labelOf, type Named, type NamedReply, type QuestionMoment, type TriggerPlan } from "../define/trigger-plan.ts";
import type { Interrupt } from "../define/interrupt.ts";
import type { Spec } from "../define/spec.ts";
import { suggest } from "../error/nearest.ts";
import { messageOf } from "../error/sluice-error.ts";
import { findPlace, shapeOf } from "../schema/shape.ts";
import type { DefinitionProblem } from "./definition-problem.ts";
import {
  type GraphExpression,
  type GraphOperator,
  type GraphTrigger,
  askedAs,
  isJoin,
  isOperator,
  sourcesOf,
} from "./graph.ts";

/** Turns the triggers of one flow into plain JSON, and reports what is wrong with them. */
export class TriggerReader {
  readonly #flow: string;
  readonly #names: ReadonlyMap<string, string>;
  readonly #report: (problem: DefinitionProblem) => void;
  /** The keys of the state; undefined where they are not known beforehand. */
  readonly #stateKeys: readonly string[] | undefined;
  readonly #defined = new Map<string, Named>();

  /** @param names the chunks' names, by the key that `after` refers to */
  constructor({ name, state }: Spec, names: ReadonlyMap<string, string>, report: (problem: DefinitionProblem) => void) {
    this.#flow = name;
    this.#stateKeys = state === undefined ? [] : keysOf(state);
    this.#names = names;
    this.#report = report;
  }

  /** The trigger as data; undefined when it has a problem. */
  read({ plan, options }: TriggerDefinition, where: string): GraphTrigger | undefined {
    const expression = this.#read(plan, where);
    if (expression === undefined) return undefined;
    this.#checkJoin(expression, options, where);
    const { once, by, timeout } = options;
    return {
      label: expression.label,
      expression,
      guarded: options.when !== undefined,
      ...(once === true && { once }),
      ...(by !== undefined && { by }),
      ...(timeout !== undefined && { timeout }),
    };
  }

  /** How something stands in a graph that a chunk says it emits, or asks. */
  emitted(one: Named | Interrupt, where: string): string {
    if (!("answered" in one)) return this.event(one, where);
    this.#define("interrupt", { name: one.name, schema: one.answer }, where);
    return askedAs(one.name);
  }

  /** The name of an event; two events of one name are a problem. */
  event(event: Named, where: string): string {
    this.#define("event", event, where);
    return event.name;
  }

  #read(plan: TriggerPlan | undefined, where: string): GraphExpression | undefined {
    switch (plan?.on) {
      case "start":
        return { on: "start", label: "start" };
      case "event": {
        const { event, lane } = plan;
        this.#define("event", event, where);
        return { on: "event", label: event.name, event: event.name, ...(lane === true && { lane }) };
      }
      case "answered":
      case "expired": {
        const { interrupt } = plan;
        this.#define("interrupt", interrupt, where);
        this.#checkExpiry(plan, where);
        return { on: plan.on, label: labelOf(plan), interrupt: interrupt.name };
      }
      case "after":
      case "gather": {
        const chunk = this.#chunk(plan.chunk, where);
        return chunk === undefined ? undefined : { on: plan.on, label: `${plan.on}("${chunk}")`, chunk };
      }
      case "changed": {
        const { key } = plan;
        if (this.#stateKeys === undefined || this.#stateKeys.includes(key)) {
          return { on: "changed", label: labelOf(plan), key };
        }
        const mend = suggest(key, this.#stateKeys);
        this.#report({ code: "key-unknown", where, what: `the state has no key "${key}"`, mend });
        return undefined;
      }
      case "failed": {
        if (plan.chunk === undefined) return { on: "failed", label: labelOf(plan) };
        const chunk = this.#chunk(plan.chunk, where);
        return chunk === undefined ? undefined : { on: "failed", label: `failed("${chunk}")`, chunk };
      }
      case "done":
      case "field":
      case "invalid":
      case "delta":
      case "opened":
        this.#define("reply", plan.reply, where);
        this.#checkMulti(plan.reply, where);
        if (!this.#hasPath(plan, where)) return undefined;
        return { on: plan.on, label: labelOf(plan), reply: plan.reply.name, path: plan.path };
      case "any":
      case "race":
      case "all":
      case "latest":
      case "each":
      case "rx":
        return this.#combine(plan, `${plan.on}(`, where);
      case "quorum":
        return this.#quorum(plan, where);
      default:
        this.#report({
          code: "trigger-invalid",
          where,
          what: "this is not a trigger",
          mend: "Use start, an event, after(…), a field of a reply, or what is made of them: all(…), each(…), …",
        });
        return undefined;
    }
  }

  /** A trigger made of others; undefined when one of them has a problem, or is live. */
  #combine(
    { on, of }: { readonly on: GraphOperator["on"]; readonly of: readonly TriggerPlan[] },
    begin: string,
    where: string,
  ): GraphOperator | undefined {
    const parts = of.map((one) => this.#read(one, where)).filter((one) => one !== undefined);
    if (parts.length < of.length) return undefined;
    const live = parts.flatMap(sourcesOf).find((source) => source.on === "delta" || source.on === "opened");
    if (on !== "any" && live !== undefined) {
      this.#report({
        code: "live-combined",
        where,
        what: `${on}(…) holds ${live.label}, which is live: it is not recorded, so nothing can wait for it`,
        mend: "Use the complete field, or give the live source a chunk of its own",
      });
      return undefined;
    }
    return { on, label: `${begin}${parts.map(({ label }) => label).join(", ")})`, of: parts };
  }

  #quorum(plan: Extract<TriggerPlan, { on: "quorum" }>, where: string): GraphOperator | undefined {
    const { n, of } = plan;
    const made = this.#combine(plan, `quorum(${n}, `, where);
    if (Number.isInteger(n) && n >= 1 && n <= of.length) return made && { ...made, n };
    const what = `quorum(${n}, …) waits for ${n} of ${of.length} triggers`;
    this.#report({ code: "join-never-fills", where, what, mend: `Give it a number from 1 to ${of.length}` });
    return undefined;
  }

  /** Options that only a join can have. */
  #checkJoin(expression: GraphExpression, { by, timeout }: TriggerDefinition["options"], where: string): void {
    const given = [...(by === undefined ? [] : ["by"]), ...(timeout === undefined ? [] : ["timeout"])];
    for (const option of given) {
      if (isJoin(expression) && !(option === "by" && expression.of.some(isOperator))) continue;
      const what = `the option "${option}" of @on stands at ${expression.label}, which is no join of plain triggers`;
      const mend =
        option === "timeout"
          ? "Bound the chunk with @chunk({ timeout }), or leave it out"
          : "Use it with all(…), latest(…) or quorum(…)";
      this.#report({ code: "option-invalid", where, what, mend });
    }
  }

  /** The name of the chunk that a trigger refers to. */
  #chunk(key: string, where: string): string | undefined {
    const name = this.#names.get(key);
    if (name === undefined) {
      const mend = suggest(key, [...this.#names.keys()]);
      this.#report({ code: "chunk-unknown", where, what: `there is no chunk "${key}"`, mend });
    }
    return name;
  }

  #hasPath(plan: { readonly on: string; readonly reply: Named; readonly path: string }, where: string): boolean {
    if (plan.on === "done") return true;
    const problem = (what: string, mend: string): false => {
      this.#report({ code: "path-unknown", where, what, mend });
      return false;
    };
    try {
      const found = findPlace(plan.reply.schema, plan.path);
      if (found.place !== undefined) return true;
      const right = suggest(found.wrong ?? plan.path, found.right);
      return problem(`the schema of "${plan.reply.name}" has no "${plan.path}"`, right);
    } catch (error) {
      return problem(messageOf(error), "See the grammar of paths in the guide");
    }
  }

  /** A question that waits for ever does not expire. */
  #checkExpiry(
    { on, interrupt: { name, expires } }: Extract<TriggerPlan, { on: QuestionMoment }>,
    where: string,
  ): void {
    const mend = "Give interrupt(…) an `expires` of 1 ms or more";
    if (expires === undefined && on === "expired") {
      this.#report({ code: "option-invalid", where, what: `"${name}" has no \`expires\`, so it never expires`, mend });
    } else if (expires !== undefined && !(Number.isFinite(expires) && expires >= 1)) {
      this.#report({ code: "option-invalid", where, what: `the option "expires" of "${name}" is ${expires}`, mend });
    }
  }

  /** Several documents are an array. */
  #checkMulti({ name, schema, options }: NamedReply, where: string): void {
    if (options.multi !== true || shapeOf(schema).isList) return;
    const what = `the reply "${name}" has the option "multi", and its schema is no array`;
    const mend = "Give it z.array(…) of what one document is";
    this.#report({ code: "option-invalid", where, what, mend });
  }

  #define(kind: string, definition: Named, where: string): void {
    const key = `${kind} ${definition.name}`;
    const known = this.#defined.get(key);
    if (known === undefined) this.#defined.set(key, definition);
    else if (known.schema !== definition.schema) {
      const what = `two ${kind === "reply" ? "replies" : `${kind}s`} of the flow "${this.#flow}" are called "${definition.name}"`;
      this.#report({ code: "name-taken", where, what, mend: "Define it once and import it, or rename one of them" });
    }
  }
}

/** The keys that a schema names; undefined where it names none, as records do. */
function keysOf(schema: Named["schema"]): readonly string[] | undefined {
  const paths = shapeOf(schema).pathsUnder("");
  return paths.length === 0 || paths.includes("*") ? undefined : paths;
}
