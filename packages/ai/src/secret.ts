const MASK = "[secret]";

/** What keys and credentials look like, wherever they stand. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/"[^"]*"(?= is an invalid header value)/g, `"${MASK}"`], // undici quotes the header, a key with a line break in it
  [/\b(Bearer)\s+[^\s"',;]{6,}/gi, `$1 ${MASK}`],
  [/\b(Basic)\s+(?=[^\s"',;]*[\d=])[^\s"',;]{6,}/gi, `$1 ${MASK}`],
  [/\b(?:sk|pk|rk|gsk)[-_][\w-]{6,}/g, MASK],
  [/\b(?:xai|pplx|nvapi|vck|fw|hf|r8)[-_](?=[\w-]*\d)[\w-]{8,}/g, MASK],
  [/\b(?:AIza|AKIA)[\w-]{12,}/g, MASK],
  [/([?&](?:key|api[-_]?key|token|access_token)=)[^&\s"']+/gi, `$1${MASK}`],
];

/**
 * The text with API keys and credentials masked: what looks like one, what stands in an environment variable for keys,
 * and the values of `headers`.
 */
export function withoutSecrets(text: string, headers: Readonly<Record<string, string | undefined>> = {}): string {
  let clean = text;
  for (const value of [...Object.values(headers), ...environmentSecrets()]) {
    if (value !== undefined && value.length >= MIN_LENGTH) clean = clean.replaceAll(value, MASK);
  }
  for (const [shape, mask] of SHAPES) clean = clean.replace(shape, mask);
  return clean;
}

/** Shorter values are words that may stand in any message. */
const MIN_LENGTH = 8;

function environmentSecrets(): readonly (string | undefined)[] {
  if (typeof process === "undefined") return []; // a browser or a worker
  return Object.entries(process.env).flatMap(([name, value]) => (/_(?:KEY|TOKEN|SECRET)$/.test(name) ? [value] : []));
}
