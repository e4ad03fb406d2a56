import { type GraphExpression, type GraphSource, askedAs, fanOf, isOperator } from "./graph.ts";
import { fansOf } from "./lane-paths.ts";

/** In which lanes something happens, as far as the graph tells. */
export interface Scope {
  /** `/` for the root lane; else the name of what brings the lane along: an event or reply whose place is not known. */
  readonly base: string;
  /** The fan-outs below, outermost first. Lanes of a `lane: true` event are among them, though nothing gathers them. */
  readonly fans: readonly string[];
}

/** What the scopes of a chunk are found from. */
export interface ScopedChunk {
  readonly name: string;
  readonly triggers: readonly { readonly expression: GraphExpression; readonly by?: string }[];
  readonly emits: readonly string[];
}

const root: Scope = { base: "/", fans: [] };
const outside = "(outside)";

/** The lanes that one event opens have this name among the fan-outs. */
export const eventLane = (event: string): string => `event ${event}`;
/** Whether a fan-out can be gathered. */
export const isGatherable = (fan: string): boolean => !fan.startsWith("event ");

/**
 * The scopes of all chunks: what flows along `after`, `each`, `gather`, fields, and events whose emitters are declared,
 * until nothing new is found.
 */
export class Scopes {
  readonly #chunks = new Map<string, Map<string, Scope>>();
  readonly #emitters = new Map<string, Set<string>>();

  constructor(chunks: readonly ScopedChunk[], accepts: readonly string[]) {
    const isDeclared = chunks.some(({ emits }) => emits.length > 0);
    if (isDeclared) {
      for (const event of accepts) this.#emitters.set(event, new Set([outside]));
      for (const { name, emits } of chunks) {
        for (const event of emits) this.#emitters.set(event, (this.#emitters.get(event) ?? new Set()).add(name));
      }
    }
    const followers = this.#followers(chunks);
    const named = new Map(chunks.map((chunk) => [chunk.name, chunk]));
    const open = new Set(named.keys());
    for (const name of open) {
      open.delete(name);
      const chunk = named.get(name);
      if (chunk !== undefined && this.#widen(chunk)) for (const one of followers.get(name) ?? []) open.add(one);
    }
  }

  /** The scopes that a chunk runs in. */
  of(chunk: string): readonly Scope[] {
    return [...(this.#chunks.get(chunk)?.values() ?? [])];
  }

  /** The fan-outs that are nearest above a chunk. */
  nearest(chunk: string): readonly string[] {
    return [...new Set(this.of(chunk).flatMap(({ fans }) => fans.slice(-1)))];
  }

  /** The scopes in which an expression of a chunk fires. */
  where(expression: GraphExpression, chunk: string): readonly Scope[] {
    if (!isOperator(expression)) return this.#source(expression);
    const parts = expression.of.map((part) => this.where(part, chunk));
    switch (expression.on) {
      case "any":
      case "race":
        return parts.flat();
      case "each":
        return parts.flat().map((scope) => below(scope, fanOf(expression, chunk)));
      case "rx":
        return [root];
      default:
        // in one lane with all the others: where that can be, the place that is known best
        return parts.reduce((met, scopes) => met.flatMap((one) => scopes.flatMap((other) => meet(one, other) ?? [])));
    }
  }

  #source(source: GraphSource): readonly Scope[] {
    switch (source.on) {
      case "start":
        return [root];
      case "after":
        return this.of(source.chunk);
      case "gather":
        return this.of(source.chunk).flatMap(({ base, fans }) =>
          fans.length > 0 ? [{ base, fans: fans.slice(0, -1) }] : [],
        );
      case "failed":
        return source.chunk === undefined ? [{ base: "failed()", fans: [] }] : this.of(source.chunk);
      case "changed":
        return [{ base: source.label, fans: [] }];
      case "event": {
        const emitters = this.#emitters.get(source.event);
        const scopes =
          emitters === undefined
            ? [{ base: `event ${source.event}`, fans: [] }]
            : [...emitters].flatMap((name) => (name === outside ? [root] : this.of(name)));
        return source.lane === true ? scopes.map((scope) => below(scope, eventLane(source.event))) : scopes;
      }
      case "answered":
      case "expired": {
        const askers = this.#emitters.get(askedAs(source.interrupt));
        return askers === undefined
          ? [{ base: `interrupt ${source.interrupt}`, fans: [] }]
          : [...askers].flatMap((name) => this.of(name));
      }
      case "field":
      case "invalid":
        return [{ base: `reply ${source.reply}`, fans: fansOf(source.reply, source.path) }];
      case "done":
      case "delta":
      case "opened":
        return [{ base: `reply ${source.reply}`, fans: [] }];
      default:
        return source satisfies never;
    }
  }

  /** @returns whether the chunk has a scope more than before */
  #widen({ name, triggers }: ScopedChunk): boolean {
    const known = this.#chunks.get(name) ?? new Map<string, Scope>();
    const before = known.size;
    for (const { expression, by } of triggers) {
      const scopes = by === undefined ? this.where(expression, name) : [{ base: `by "${by}"`, fans: [] }];
      for (const scope of scopes) known.set([scope.base, ...scope.fans].join("\n"), scope);
    }
    this.#chunks.set(name, known);
    return known.size > before;
  }

  /** Who is to be looked at again when a chunk has a scope more. */
  #followers(chunks: readonly ScopedChunk[]): ReadonlyMap<string, ReadonlySet<string>> {
    const followers = new Map<string, Set<string>>();
    const follow = (leader: string, name: string): void =>
      void followers.set(leader, (followers.get(leader) ?? new Set()).add(name));
    const visit = (expression: GraphExpression, name: string): void => {
      if (isOperator(expression)) for (const part of expression.of) visit(part, name);
      else if (expression.on === "event") {
        for (const leader of this.#emitters.get(expression.event) ?? []) follow(leader, name);
      } else if ("interrupt" in expression) {
        for (const leader of this.#emitters.get(askedAs(expression.interrupt)) ?? []) follow(leader, name);
      } else if ("chunk" in expression && expression.chunk !== undefined) follow(expression.chunk, name);
    };
    for (const { name, triggers } of chunks) for (const { expression } of triggers) visit(expression, name);
    return followers;
  }
}

/** Whether two things can happen in the same lane; the scope of both then, as far as it is known. */
export function meet(one: Scope, other: Scope): Scope | undefined {
  const [long, short] = one.fans.length >= other.fans.length ? [one, other] : [other, one];
  const start = long.fans.length - short.fans.length;
  if (short.fans.some((fan, index) => fan !== long.fans[start + index])) return undefined;
  if (long.base === short.base) return start === 0 ? long : undefined;
  // a base that is not known may lie in a fan-out; the root lane lies in none
  if (start > 0) return short.base === "/" ? undefined : long;
  return long.base === "/" ? long : short;
}

/** A loop that fans out again and again has the same fan-out once. */
function below({ base, fans }: Scope, fan: string): Scope {
  return { base, fans: fans.includes(fan) ? fans : [...fans, fan] };
}
