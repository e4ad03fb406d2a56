import { excerpt } from "../error/excerpt.ts";
import { SluiceError } from "../error/sluice-error.ts";

/** Turns what a source yields into text. Bytes are UTF-8: a character that is cut by their borders is held back until it is whole. */
export class PieceReader {
  readonly #where: string;
  #decoder: TextDecoder | undefined;

  /** @param where named in errors: the chunk or reply */
  constructor(where: string) {
    this.#where = where;
  }

  /**
   * The text of one more piece, as far as it is whole.
   *
   * @throws SluiceError `model-failed`, where it is neither text nor bytes
   */
  read(piece: unknown): string {
    if (typeof piece === "string") return this.rest() + piece;
    if (!(piece instanceof Uint8Array)) {
      throw new SluiceError("model-failed", {
        what: `The source of tokens gave ${excerpt(piece)} where text was expected`,
        where: this.#where,
        mend: "Yield strings or bytes",
        retryable: false,
      });
    }
    this.#decoder ??= new TextDecoder();
    return this.#decoder.decode(piece, { stream: true });
  }

  /** What was held back: a character that was never finished, as U+FFFD. */
  rest(): string {
    return this.#decoder?.decode() ?? "";
  }
}
