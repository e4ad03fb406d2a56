import "reflect-metadata";
import { type ChunkOptions, type OnOptions, SluiceError, type Trigger } from "@sluice/core";

// No Node has Symbol.metadata yet, and without it compilers hand standard decorators no metadata object.
// Symbol.for("Symbol.metadata") is also what esbuild and swc fall back to.
(Symbol as { metadata?: symbol }).metadata ??= Symbol.for("Symbol.metadata");

/** Options of a chunk that is a method. */
export interface MethodOptions<M extends string = string> extends ChunkOptions {
  /** The method that undoes it, given `{ input, output }`, when it has completed and the execution does not. */
  readonly compensate?: M;
}

/** What the decorators of one method have said. */
export interface MethodRecord {
  readonly method: string;
  /** In the order in which they are written. */
  readonly triggers: readonly { readonly trigger: Trigger; readonly options: OnOptions<never> }[];
  /** Set by `@chunk`. */
  readonly chunk: MethodOptions | undefined;
}

const key = Symbol.for("sluice:methods");

/** What a decorated method is called with, in the legacy dialect. */
type LegacySite = [prototype: object, name: string | symbol, descriptor?: PropertyDescriptor];
/** The same in the standard dialect. */
type StandardSite = [method: Function, context: ClassMethodDecoratorContext];

/**
 * Notes what a decorator says of a method, on the object that stands for the class: its prototype (legacy), or its
 * metadata (standard). Nothing is changed in a base class.
 *
 * @throws SluiceError `misplaced-decorator`
 */
export function record(site: readonly unknown[], decorator: string, add: (known: MethodRecord) => MethodRecord): void {
  const { holder, method } = siteOf(site, decorator);
  const own = ownRecords(holder);
  const known = own.find((one) => one.method === method);
  const added = add(known ?? { method, triggers: [], chunk: undefined });
  Reflect.defineMetadata(
    key,
    known === undefined ? [...own, added] : own.map((one) => (one === known ? added : one)),
    holder,
  );
}

/** The records of a class, base classes first. A method that is decorated again replaces its base's record, in its place. */
export function recordsOf(flow: Function, metadata?: object): readonly MethodRecord[] {
  const base: unknown = Object.getPrototypeOf(flow);
  const inherited = typeof base === "function" && base !== Function.prototype ? recordsOf(base) : [];
  // `hasOwn`: static inheritance would hand us the base's metadata object
  const held = metadata ?? (Object.hasOwn(flow, Symbol.metadata) ? flow[Symbol.metadata] : undefined);
  const own = [...ownRecords(flow.prototype as object), ...(held ? ownRecords(held) : [])];
  const again = new Map(own.map((one) => [one.method, one]));
  const names = new Set(inherited.map(({ method }) => method));
  return [...inherited.map((one) => again.get(one.method) ?? one), ...own.filter(({ method }) => !names.has(method))];
}

function ownRecords(holder: object): readonly MethodRecord[] {
  const records: unknown = Reflect.getOwnMetadata(key, holder);
  return (records ?? []) as readonly MethodRecord[]; // only `record` writes under this key
}

function siteOf(site: readonly unknown[], decorator: string): { holder: object; method: string } {
  if (isStandard(site)) {
    const [, { kind, name, static: isStatic, private: isPrivate, metadata }] = site;
    if (kind !== "method" || isStatic || isPrivate || typeof name !== "string") throw misplaced(decorator, name);
    return { holder: metadata, method: name };
  }
  const [prototype, name, descriptor] = site as LegacySite;
  // a method has a descriptor with a function; an arrow-function property has none
  if (typeof prototype === "function" || typeof name !== "string" || typeof descriptor?.value !== "function") {
    throw misplaced(decorator, name);
  }
  return { holder: prototype, method: name };
}

function isStandard(site: readonly unknown[]): site is StandardSite {
  const context = site[1];
  return typeof context === "object" && context !== null && "kind" in context;
}

function misplaced(decorator: string, name: string | symbol | undefined): SluiceError {
  return new SluiceError("misplaced-decorator", {
    what: `${decorator} stands on ${name === undefined ? "something" : String(name)}, which is no public method of an instance`,
    mend: "Write the chunk as a method: name(payload, ctx) { … }",
  });
}
