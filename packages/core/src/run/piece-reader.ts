/** Turns what a source yields into text. Bytes are UTF-8: a character that is cut by their borders is held back until it is whole. */
export class PieceReader {
  #decoder: TextDecoder | undefined;

  /** The text of one more piece, as far as it is whole; undefined where it is neither text nor bytes. */
  read(piece: unknown): string | undefined {
    if (typeof piece === "string") return this.rest() + piece;
    if (!(piece instanceof Uint8Array)) return undefined;
    this.#decoder ??= new TextDecoder();
    return this.#decoder.decode(piece, { stream: true });
  }

  /** What was held back: a character that was never finished, as U+FFFD. */
  rest(): string {
    return this.#decoder?.decode() ?? "";
  }
}
