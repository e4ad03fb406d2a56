import type { JSONSchema7 } from "@ai-sdk/provider";
import type { ModelRequest } from "@sluice/core";
import { Output, type OutputInterface } from "ai";
import { z } from "zod";

/**
 * Asks the provider for JSON and takes the reply as raw text.
 *
 * `Output.object` would do the first, but parses all of the text again at every delta and holds deltas back until they
 * change what it parsed.
 */
export function replyOutput({
  name,
  schema,
}: NonNullable<ModelRequest["reply"]>): OutputInterface<string, string, never> {
  return {
    ...Output.text(),
    responseFormat: Promise.resolve({ type: "json", name: providerName(name), schema: writtenSchema(schema) }),
  };
}

/** The JSON schema of what a model writes for `schema`: before its transforms, defaults and coercions. */
export function writtenSchema(schema: z.core.$ZodType): JSONSchema7 {
  const written = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod;
      if (def.type === "object") jsonSchema.additionalProperties ??= false; // strict providers insist on it
      if (def.type === "date" && "coerce" in def) Object.assign(jsonSchema, { type: "string", format: "date-time" });
    },
  });
  return written as JSONSchema7; // the draft that was asked for
}

/** The name as providers take it: OpenAI allows 64 letters, digits, `_` and `-`. */
function providerName(name: string): string {
  return name.replace(/[^\w-]/g, "_").slice(0, 64);
}
