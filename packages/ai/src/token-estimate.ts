/** What a picture or another file counts, whose size says little of its tokens. */
const FILE_TOKENS = 1000;
/** Of UTF-8: what four letters of English are, and a little more than one sign of Chinese. */
const BYTES_A_TOKEN = 4;
const encoder = new TextEncoder();

/** About how many tokens a text is: a quarter of its bytes. Each provider counts otherwise. */
export function tokensOf(text: string): number {
  return Math.ceil(bytesOf(text) / BYTES_A_TOKEN);
}

/** The bytes of a text in UTF-8. */
export function bytesOf(text: string): number {
  return encoder.encode(text).length;
}

/** About how many tokens the input of a call is: its messages, its tools, the schema of its reply, in any form. */
export function inputTokensOf(input: {
  readonly prompt?: unknown;
  readonly tools?: unknown;
  readonly responseFormat?: unknown;
}): number {
  let files = 0;
  const { prompt, tools, responseFormat } = input;
  const text = JSON.stringify([prompt, tools, responseFormat], (_key, value: unknown) => {
    if (!isFile(value)) return value;
    files += 1;
    return undefined;
  });
  return tokensOf(text) + files * FILE_TOKENS;
}

function isFile(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && /^(?:file|image)$/.test(String(value.type));
}

/** About how many tokens so many bytes are. */
export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_A_TOKEN);
}
