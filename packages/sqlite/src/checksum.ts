import { crc32 } from "node:zlib";

/** The CRC-32 of a text in its place, so that a sound text in another one's place is noticed as well. */
export function checksumOf(text: string, place: string): number {
  return crc32(text, crc32(place));
}
