import type { LanguageModelV4 } from "@ai-sdk/provider";
import { tinyModel } from "./tiny-model/index.ts";

/** The model that the examples run on. */
export interface ChosenModel {
  readonly model: LanguageModelV4;
  readonly name: string;
  /** One line for people: what runs, and where. */
  readonly note: string;
}

/** What a chosen model is to be like. */
export interface ModelOptions {
  readonly tokensPerSecond?: number;
  /** What runs without a key. @default the toy model in this folder */
  readonly local?: Omit<ChosenModel, "name">;
  /** A provider's larger model, which writes better and costs more. @default false */
  readonly large?: boolean;
}

/**
 * Chooses a model from the environment: `OPENAI_API_KEY`, else `OPENAI_BASE_URL` (any server that speaks OpenAI's chat
 * API, without a key), else `ANTHROPIC_API_KEY`, else the toy model in this folder. `OPENAI_MODEL` and `ANTHROPIC_MODEL`
 * name another model, `OPENAI_LARGE_MODEL` and `ANTHROPIC_LARGE_MODEL` another `large` one. A provider is loaded only when
 * it is chosen. `tokensPerSecond` slows the toy down to be watched; `local` takes its place.
 */
export async function chooseModel(
  env: Readonly<NodeJS.ProcessEnv> = process.env,
  { tokensPerSecond, local, large = false }: ModelOptions = {},
): Promise<ChosenModel> {
  // A key that is set to nothing is no key.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const { OPENAI_API_KEY, OPENAI_BASE_URL, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL } = given;
  const named = (provider: "OPENAI" | "ANTHROPIC"): string | undefined =>
    (large ? given[`${provider}_LARGE_MODEL`] : undefined) ?? given[`${provider}_MODEL`];
  if (OPENAI_API_KEY !== undefined || OPENAI_BASE_URL !== undefined) {
    const { createOpenAI } = await import("@ai-sdk/openai");
    const openai = createOpenAI({ apiKey: OPENAI_API_KEY ?? "none", baseURL: OPENAI_BASE_URL });
    const name = named("OPENAI") ?? (large ? "gpt-6-sol" : "gpt-6-luna");
    if (OPENAI_BASE_URL === undefined) return chosen(openai(name), "OpenAI");
    return chosen(openai.chat(named("OPENAI") ?? (OPENAI_API_KEY ? name : "default")), OPENAI_BASE_URL);
  }
  if (ANTHROPIC_API_KEY !== undefined) {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    const anthropic = createAnthropic({ apiKey: ANTHROPIC_API_KEY, baseURL: ANTHROPIC_BASE_URL });
    const name = named("ANTHROPIC") ?? (large ? "claude-sonnet-5-5" : "claude-haiku-5-5");
    return chosen(anthropic(name), "Anthropic");
  }
  if (local !== undefined) return { ...local, name: local.model.modelId };
  const pace =
    tokensPerSecond === undefined ? "" : `, slowed to the ${tokensPerSecond} tokens a second of a remote one`;
  return {
    ...chosen(tinyModel(tokensPerSecond === undefined ? {} : { tokensPerSecond }), "this machine"),
    note:
      `Runs on a toy model on this machine, which knows only shop support tickets${pace}. ` +
      "For a real one set OPENAI_API_KEY, ANTHROPIC_API_KEY, or OPENAI_BASE_URL and OPENAI_MODEL for a local server.",
  };
}

function chosen(model: LanguageModelV4, place: string): ChosenModel {
  return { model, name: model.modelId, note: `Runs on ${model.modelId} at ${place}.` };
}
