/** A field that has been delivered while its reply is open. */
export interface Delivered {
  readonly id: string;
  readonly path: string;
  /** What the model wrote. */
  readonly raw: unknown;
  /** An invalid value was written, whatever comes of the reply: what answers for it is not taken back. */
  readonly isFact: boolean;
  /** The attempt that has written it last. */
  attempt: number;
}

type Fields = ReadonlyMap<string, Delivered>;

const none: readonly never[] = [];

/**
 * The fields that earlier attempts have written, by the arrays that they lie in: what is not written again is missing when
 * its array is complete. Looked up once an attempt, which keeps a whole reply linear.
 */
export class EarlierFields {
  readonly #known = new WeakMap<Fields, { readonly attempt: number; readonly byArray: Map<string, Delivered[]> }>();

  /** What an attempt before this one wrote within an array. */
  within(array: string, fields: Fields, attempt: number): readonly Delivered[] {
    let known = this.#known.get(fields);
    if (known === undefined || known.attempt < attempt) {
      known = { attempt, byArray: byArrayOf([...fields.values()].filter((field) => field.attempt < attempt)) };
      this.#known.set(fields, known);
    }
    return known.byArray.get(array) ?? none;
  }
}

function byArrayOf(fields: readonly Delivered[]): Map<string, Delivered[]> {
  const byArray = new Map<string, Delivered[]>();
  for (const field of fields) {
    for (const array of arraysAbove(field.path)) {
      const list = byArray.get(array);
      if (list === undefined) byArray.set(array, [field]);
      else list.push(field);
    }
  }
  return byArray;
}

/** The arrays that a path leads through: `rows` and `rows[3].tags` for `rows[3].tags[1].name`. */
function arraysAbove(path: string): readonly string[] {
  const arrays: string[] = [];
  for (let end = path.indexOf("["); end >= 0; end = path.indexOf("[", end + 1)) arrays.push(path.slice(0, end));
  return arrays;
}
