import { readFileSync } from "node:fs";

type Value = string | number | boolean | readonly Value[];

/** The content of a GGUF file: settings, vocabulary and weights. Every getter throws when the file lacks `name`. */
export interface Gguf {
  number(name: string): number;
  numbers(name: string): readonly number[];
  strings(name: string): readonly string[];
  /** A weight matrix as plain floats, row after row; `length` is the count the caller's arithmetic relies on. */
  tensor(name: string, length: number): Float32Array;
}

/**
 * Reads a GGUF file whole, and turns its weights into 32-bit floats (four bytes of memory per parameter).
 *
 * A file is a header, then a list of named settings, then a list of tensor descriptions, then the tensors' bytes.
 * Of the format's types this reads what the example's file has: 32-bit numbers, booleans, strings and lists of them,
 * and tensors in F32 and Q8_0.
 *
 * @throws Error when the file is no GGUF file, or holds a type outside that list.
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export function readGguf(path: string): Gguf {
  const file = readFileSync(path);
  const cursor = new Cursor(file);
  if (cursor.text(4) !== "GGUF") throw new Error(`${path} is not a GGUF file: it does not begin with "GGUF"`);
  const version = cursor.uint32();
  if (version !== 3) throw new Error(`${path} is a GGUF file of version ${version}; only version 3 is read here`);

  const tensorCount = cursor.uint64();
  const settingCount = cursor.uint64();
  const settings = new Map<string, Value>();
  for (let i = 0; i < settingCount; i++) {
    const name = cursor.string();
    settings.set(name, cursor.value(cursor.uint32()));
  }

  const descriptions = Array.from({ length: tensorCount }, () => ({
    name: cursor.string(),
    length: Array.from({ length: cursor.uint32() }, () => cursor.uint64()).reduce((product, size) => product * size, 1),
    type: cursor.uint32(),
    offset: cursor.uint64(),
  }));
  const dataStart = Math.ceil(cursor.position / ALIGNMENT) * ALIGNMENT;
  const view = new DataView(file.buffer, file.byteOffset + dataStart, file.byteLength - dataStart);
  const tensors = new Map(
    descriptions.map(({ name, length, type, offset }) => {
      const unpack = UNPACK.get(type);
      if (!unpack)
        throw new Error(`Tensor ${name} of ${path} is of type ${type}; only F32 (0) and Q8_0 (8) are read here`);
      return [name, unpack(view, offset, length)];
    }),
  );

  const setting = <T extends Value>(name: string, kind: string, is: (value: Value | undefined) => value is T): T => {
    const value = settings.get(name);
    if (!is(value)) throw new Error(`${path} has no ${kind} under the name ${name}`);
    return value;
  };
  return {
    number: (name) => setting(name, "number", isNumber),
    numbers: (name) => setting(name, "list of numbers", (value) => isListOf(value, isNumber)),
    strings: (name) => setting(name, "list of strings", (value) => isListOf(value, isString)),
    tensor(name, length) {
      const tensor = tensors.get(name);
      if (tensor?.length !== length) {
        throw new Error(
          `${path} should hold ${length} weights under the name ${name}, but holds ${tensor?.length ?? 0}`,
        );
      }
      return tensor;
    },
  };
}

/** Tensors begin at multiples of this many bytes. */
const ALIGNMENT = 32;

/** Walks through the part of the file that has to be read in order. All numbers are little-endian. */
class Cursor {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#skip(4));
  }

  uint64(): number {
    return Number(this.#bytes.readBigUInt64LE(this.#skip(8)));
  }

  text(byteLength: number): string {
    const start = this.#skip(byteLength);
    return this.#bytes.toString("utf8", start, start + byteLength);
  }

  string(): string {
    return this.text(this.uint64());
  }

  value(type: number): Value {
    switch (type) {
      case 4:
        return this.uint32();
      case 5:
        return this.#bytes.readInt32LE(this.#skip(4));
      case 6:
        return this.#bytes.readFloatLE(this.#skip(4));
      case 7:
        return this.#bytes.readUInt8(this.#skip(1)) !== 0;
      case 8:
        return this.string();
      case 9: {
        const itemType = this.uint32();
        return Array.from({ length: this.uint64() }, () => this.value(itemType));
      }
      default:
        throw new Error(`A GGUF setting is of type ${type}; only types 4 to 9 are read here`);
    }
  }

  #skip(byteLength: number): number {
    const start = this.position;
    this.position += byteLength;
    return start;
  }
}

/** How the bytes of a tensor become floats, by the number that GGUF gives to its type. */
const UNPACK = new Map([
  [0, unpackF32],
  [8, unpackQ8],
]);

function unpackF32(view: DataView, offset: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => view.getFloat32(offset + 4 * i, true));
}

/** Q8_0: blocks of 32 weights, each one a signed byte times the block's scale, a 16-bit float in front of them. */
function unpackQ8(view: DataView, offset: number, length: number): Float32Array {
  const floats = new Float32Array(length);
  for (let block = 0; block * 32 < length; block++) {
    const start = offset + block * 34;
    const scale = halfToNumber(view.getUint16(start, true));
    for (let i = 0; i < 32; i++) floats[block * 32 + i] = scale * view.getInt8(start + 2 + i);
  }
  return floats;
}

/** A 16-bit float: one bit of sign, five of exponent, ten of fraction. (Scales are never infinite or NaN.) */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

function isNumber(value: Value | undefined): value is number {
  return typeof value === "number";
}

function isString(value: Value | undefined): value is string {
  return typeof value === "string";
}

function isListOf<T extends Value>(
  value: Value | undefined,
  isItem: (item: Value) => item is T,
): value is readonly T[] & Value {
  return Array.isArray(value) && value.every(isItem);
}
