/** show: the transformation `filterFieldsByName`: keeps or drops columns by name or regular expression; frames without columns go. */
import { flag, object, pattern, text, texts } from "../loose";
import type { Field } from "../model";
import { allNames } from "../names";
import type { Transform } from "./index";
import { frameOf } from "./columns";

export const filterFieldsByName: Transform = (frames, options) => {
  const names = allNames(frames);
  const include = matches(options.include, flag(options.byVariable));
  const exclude = matches(options.exclude, flag(options.byVariable));
  return frames.flatMap((frame) => {
    const keep = (field: Field) => {
      const shown = names.get(field) ?? field.name;
      return (!include || include(shown, field.name)) && !exclude?.(shown, field.name);
    };
    const fields = frame.fields.filter(keep);
    return fields.length === 0 ? [] : [{ ...frameOf(fields, frame), length: frame.length }];
  });
};

function matches(value: unknown, byVariable: boolean): ((shown: string, name: string) => boolean) | undefined {
  const from = object(value);
  const names = new Set(texts(from.names));
  if (byVariable) for (const name of text(from.variable).replace(/^\{|\}$/g, "").split(",")) names.add(name.trim());
  const regexp = text(from.pattern) === "" ? undefined : pattern(text(from.pattern));
  if (names.size === 0 && !regexp) return undefined;
  return (shown, name) => names.has(shown) || names.has(name) || (regexp?.test(shown) ?? false);
}
