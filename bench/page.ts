/** A file that a work writes anew whenever it is done, or a part of one. */
export interface Page {
  /** Its path, from the root of the repository on. */
  readonly file: string;
  /** The part between `<!-- bench: part -->` and `<!-- /bench: part -->`. @default the whole file */
  readonly part?: string;
  readonly text: string;
}

/**
 * The text of the file with the page in it.
 *
 * @throws Error when the marks of its part are not there
 */
export function written({ file, part, text }: Page, before: string): string {
  if (part === undefined) return text;
  const [begin, end] = [`<!-- bench: ${part} -->`, `<!-- /bench: ${part} -->`];
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${file} has no part between "${begin}" and "${end}": put both marks in it`);
  return `${before.slice(0, from + begin.length)}\n${text}\n${before.slice(to)}`;
}
