import type { Schema } from "@sluice/core";
import { z } from "zod";

/** As much of JSON Schema as prompts and examples look at. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly minItems?: number;
}

/** What a schema takes, as JSON Schema; what that cannot say is left open. */
export function jsonSchemaOf(schema: Schema): JsonSchema {
  return z.toJSONSchema(schema as z.ZodType, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

/** A value of the shape that a schema asks for, to be filled in. */
export function exampleOf(schema: JsonSchema): unknown {
  const { type, properties, required = [], items, anyOf } = schema;
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (anyOf?.[0] !== undefined) return exampleOf(anyOf[0]);
  if (properties !== undefined) {
    const wanted = Object.entries(properties).filter(([key]) => required.includes(key));
    return Object.fromEntries(wanted.map(([key, value]) => [key, exampleOf(value)]));
  }
  if (type === "array") return items === undefined ? [] : [exampleOf(items)];
  if (type === "number" || type === "integer") return 0;
  if (type === "boolean") return true;
  return type === "string" ? "…" : null;
}
