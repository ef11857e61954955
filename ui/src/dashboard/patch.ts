/**
 * show: changes one value in the text of a JSON file and leaves every other byte as it is. Pure.
 *
 * In: the text, the way to the value (`["panels", 3, "targets", 0, "expr"]`), the new value. Out: the new text; an error that says which part of the way is not there.
 */

export type Path = (string | number)[];

export class NoSuchPlace extends Error {}

export function replaceAt(text: string, path: Path, value: unknown): string {
  const [from, to] = spanOf(text, path);
  return text.slice(0, from) + JSON.stringify(value) + text.slice(to);
}

/** Where the value stands: its first character and the one after its last. */
export function spanOf(text: string, path: Path): [number, number] {
  const scan = new Scan(text);
  scan.space();
  for (const [depth, part] of path.entries()) {
    const found = typeof part === "number" ? scan.toItem(part) : scan.toKey(part);
    if (!found) throw new NoSuchPlace(`${path.slice(0, depth + 1).join(".")} is not in the file`);
  }
  const from = scan.at;
  scan.value();
  return [from, scan.at];
}

class Scan {
  at = 0;

  constructor(private readonly text: string) {
    if (text.charCodeAt(0) === 0xfeff) this.at = 1;
  }

  space(): void {
    while (" \t\r\n".includes(this.text[this.at] ?? "x")) this.at++;
  }

  /** To the value of a key of the object here. A key twice: the last one holds, as in JSON.parse. */
  toKey(key: string): boolean {
    if (this.text[this.at] !== "{") return false;
    let place: number | undefined;
    this.at++;
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') break;
      const from = this.at;
      this.value();
      const name: unknown = JSON.parse(this.text.slice(from, this.at));
      this.space();
      this.expect(":");
      this.space();
      if (name === key) place = this.at;
      this.value();
      this.space();
      if (this.text[this.at] !== ",") break;
      this.at++;
    }
    if (place === undefined) return false;
    this.at = place;
    return true;
  }

  toItem(index: number): boolean {
    if (this.text[this.at] !== "[") return false;
    this.at++;
    this.space();
    if (this.text[this.at] === "]") return false;
    for (let item = 0; item < index; item++) {
      this.value();
      this.space();
      if (this.text[this.at] !== ",") return false;
      this.at++;
      this.space();
    }
    return true;
  }

  /** Past the value here, however deep it is. */
  value(): void {
    let depth = 0;
    do {
      this.space();
      const here = this.text[this.at];
      if (here === undefined) throw new NoSuchPlace("the file ends too early");
      if (here === "{" || here === "[") depth++;
      else if (here === "}" || here === "]") depth--;
      else if (here === '"') {
        this.string();
        continue;
      } else if (here !== "," && here !== ":") {
        while (/[^\s,\]}:]/.test(this.text[this.at] ?? ",")) this.at++;
        continue;
      }
      this.at++;
    } while (depth > 0);
  }

  private string(): void {
    this.at++;
    while (this.text[this.at] !== '"') {
      if (this.text[this.at] === undefined) throw new NoSuchPlace("the file ends within a text");
      this.at += this.text[this.at] === "\\" ? 2 : 1;
    }
    this.at++;
  }

  private expect(character: string): void {
    if (this.text[this.at] !== character) throw new NoSuchPlace(`the file has no "${character}" at ${this.at}`);
    this.at++;
  }
}
