/**
 * show: a message as Discord gets it -> what is drawn of it. Pure. Discord's marks for bold, italic, code and links become words with a
 * style; everything else stays text. Nothing of it is ever HTML.
 */
import { safeUrl } from "../parts/text";

export interface Span {
  text: string;
  style?: "bold" | "italic" | "code" | "under" | "struck";
  link?: string;
}

export interface Embed {
  title: string;
  url?: string;
  description: string;
  /** `#ff0000` */
  color: string;
  fields: { name: string; value: string; inline: boolean }[];
  footer: string;
  timestamp: string;
}

export interface Message {
  from: string;
  content: string;
  embeds: Embed[];
  /** No message of Discord's: drawn as it came. */
  other: boolean;
}

const EMBEDS_MAX = 10;
const FIELDS_MAX = 25;

export function message(body: unknown): Message {
  const of = record(body);
  const embeds = list(of.embeds).slice(0, EMBEDS_MAX).map(embed);
  return { from: text(of.username) || "bellbuoy", content: text(of.content), embeds, other: embeds.length === 0 && text(of.content) === "" };
}

function embed(body: unknown): Embed {
  const of = record(body);
  const color = typeof of.color === "number" && Number.isFinite(of.color) ? Math.floor(of.color) & 0xffffff : 0x808080;
  return {
    title: text(of.title),
    url: safeUrl(text(of.url)),
    description: text(of.description),
    color: `#${color.toString(16).padStart(6, "0")}`,
    fields: list(of.fields).slice(0, FIELDS_MAX).map((field) => ({ name: text(record(field).name), value: text(record(field).value), inline: record(field).inline === true })),
    footer: text(record(of.footer).text),
    timestamp: text(of.timestamp),
  };
}

const MARKS: [RegExp, Span["style"]][] = [
  [/^\*\*([\s\S]+?)\*\*/, "bold"],
  [/^__([\s\S]+?)__/, "under"],
  [/^~~([\s\S]+?)~~/, "struck"],
  [/^`([^`\n]+)`/, "code"],
  [/^\*([^\s*][^*\n]*?)\*/, "italic"],
];

/** Marks inside of marks stay as they are typed; a mark that is not closed is text. */
export function spans(source: string): Span[] {
  const out: Span[] = [];
  let plain = "";
  let at = 0;
  const flush = () => plain !== "" && (out.push({ text: plain }), (plain = ""));
  while (at < source.length) {
    const rest = source.slice(at, at + 2000);
    const link = /^\[([^\]\n]+)\]\((\S+?)\)/.exec(rest);
    const bare = /^https?:\/\/[^\s<>)]+/.exec(rest);
    const mark = MARKS.map(([pattern, style]) => ({ found: pattern.exec(rest), style })).find((one) => one.found);
    const address = link ? safeUrl(link[2] ?? "") : bare ? safeUrl(bare[0]) : undefined;
    if (rest[0] === "\\" && /^\\[!-/:-@[-`{-~]/.test(rest)) {
      plain += rest[1];
      at += 2;
    } else if (link && address) {
      flush();
      out.push({ text: link[1] ?? "", link: address });
      at += link[0].length;
    } else if (bare && address) {
      flush();
      out.push({ text: bare[0], link: address });
      at += bare[0].length;
    } else if (mark?.found) {
      flush();
      out.push({ text: (mark.found[1] ?? "").replace(/\\([!-/:-@[-`{-~])/g, "$1"), style: mark.style });
      at += mark.found[0].length;
    } else {
      plain += rest[0];
      at += 1;
    }
  }
  flush();
  return out;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
