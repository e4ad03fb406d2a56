/** A text in pieces of these sizes, which begin anew when they are used up. */
export function cut(text: string, sizes: readonly number[]): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < text.length;) {
    const size = sizes[chunks.length % sizes.length] ?? 1;
    chunks.push(text.slice(at, at + size));
    at += size;
  }
  return chunks;
}
