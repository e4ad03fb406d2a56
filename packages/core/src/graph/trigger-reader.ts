import type { TriggerDefinition } from "../define/flow.ts";
import { labelOf, type Named, type TriggerPlan } from "../define/trigger-plan.ts";
import type { Spec } from "../define/spec.ts";
import { suggest } from "../error/nearest.ts";
import { messageOf } from "../error/sluice-error.ts";
import { findPlace, shapeOf } from "../schema/shape.ts";
import type { DefinitionProblem } from "./definition-problem.ts";
import type { GraphSource, GraphTrigger } from "./graph.ts";

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

  read({ plan, options }: TriggerDefinition, where: string): GraphTrigger {
    const sources = this.#sources(plan, where);
    const label =
      sources.length === 1 ? (sources[0]?.label ?? "") : `any(${sources.map((one) => one.label).join(", ")})`;
    return { label, sources, guarded: options.when !== undefined };
  }

  /** The name of an event; two events of one name are a problem. */
  event(event: Named, where: string): string {
    this.#define("event", event, where);
    return event.name;
  }

  #sources(plan: TriggerPlan | undefined, where: string): readonly GraphSource[] {
    switch (plan?.on) {
      case "start":
        return [{ on: "start", label: "start" }];
      case "event":
        this.#define("event", plan.event, where);
        return [{ on: "event", label: plan.event.name, event: plan.event.name }];
      case "after": {
        const name = this.#chunk(plan.chunk, where);
        return name === undefined ? [] : [{ on: "after", label: `after("${name}")`, chunk: name }];
      }
      case "changed": {
        if (this.#stateKeys !== undefined && !this.#stateKeys.includes(plan.key)) {
          const mend = suggest(plan.key, this.#stateKeys);
          this.#report({ code: "key-unknown", where, what: `the state has no key "${plan.key}"`, mend });
          return [];
        }
        return [{ on: "changed", label: labelOf(plan), key: plan.key }];
      }
      case "failed": {
        if (plan.chunk === undefined) return [{ on: "failed", label: labelOf(plan) }];
        const name = this.#chunk(plan.chunk, where);
        return name === undefined ? [] : [{ on: "failed", label: `failed("${name}")`, chunk: name }];
      }
      case "any":
        return plan.of.flatMap((one) => this.#sources(one, where));
      case "done":
      case "field":
      case "delta":
      case "opened":
        this.#define("reply", plan.reply, where);
        if (!this.#hasPath(plan, where)) return [];
        return [{ on: plan.on, label: labelOf(plan), reply: plan.reply.name, path: plan.path }];
      default: {
        const on = (plan as { on?: unknown } | undefined)?.on;
        const what = typeof on === "string" ? `the trigger "${on}" is not there yet` : "this is not a trigger";
        const code = typeof on === "string" ? "not-yet" : "trigger-invalid";
        this.#report({
          code,
          where,
          what,
          mend: "Use start, an event, after(…), any(…), or a reply's field, delta, opened or done",
        });
        return [];
      }
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

  #define(kind: string, definition: Named, where: string): void {
    const key = `${kind} ${definition.name}`;
    const known = this.#defined.get(key);
    if (known === undefined) this.#defined.set(key, definition);
    else if (known.schema !== definition.schema) {
      const what = `two ${kind === "reply" ? "replies" : "events"} of the flow "${this.#flow}" are called "${definition.name}"`;
      this.#report({ code: "name-taken", where, what, mend: "Define it once and import it, or rename one of them" });
    }
  }
}

/** The keys that a schema names; undefined where it names none, as records do. */
function keysOf(schema: Named["schema"]): readonly string[] | undefined {
  const paths = shapeOf(schema).pathsUnder("");
  return paths.length === 0 || paths.includes("*") ? undefined : paths;
}
