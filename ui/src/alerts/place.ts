/** show: bytes of a text (as the server counts) to the browser's characters. Pure. */

/** The piece of `text` between two byte offsets, and what stands before and after it. */
export function pieceOf(text: string, [start, end]: [number, number]): [string, string, string] {
  const bytes = new TextEncoder().encode(text);
  const read = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(Math.max(0, from), Math.max(0, to)));
  return [read(0, start), read(start, end), read(end, bytes.length)];
}
