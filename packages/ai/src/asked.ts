import type { LanguageModel } from "ai";

/** The model that is asked. */
export interface Asked {
  /** How the log names it. */
  readonly name: string;
  readonly provider: string;
  readonly modelId: string;
}

/** How a model is called. */
export function askedOf(model: LanguageModel): Asked {
  if (typeof model === "string") return { name: model, provider: "ai-gateway", modelId: model };
  const { provider, modelId } = model;
  const [family = provider] = provider.split("."); // "openai.responses" and "openai.chat" are one provider
  return { name: `${family}/${modelId}`, provider: family, modelId };
}
