/** A model's tokens, all of them there already. */
export async function* tokens(count: number): AsyncGenerator<string> {
  for (let index = 0; index < count; index += 1) yield token(index);
}

/** The text that `count` tokens make. */
export function text(count: number): string {
  return Array.from({ length: count }, (_, index) => token(index)).join("");
}

function token(index: number): string {
  return `token ${index} `;
}
