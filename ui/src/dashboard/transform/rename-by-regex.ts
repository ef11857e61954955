/** show: the transformation `renameByRegex`: new names out of the old ones. */
import { pattern, text } from "../loose";
import { allNames } from "../names";
import type { Transform } from "./index";
import { renamed } from "./columns";

export const renameByRegex: Transform = (frames, options) => {
  const source = text(options.regex, "(.*)");
  const once = pattern(source);
  if (!once) return frames;
  const regexp = /^\/.*\/[a-z]*g[a-z]*$/s.test(source) ? new RegExp(once.source, `${once.flags}g`) : once;
  const replacement = text(options.renamePattern, "$1");
  const names = allNames(frames);
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => {
      const name = names.get(field) ?? field.name;
      const to = name.replace(regexp, replacement);
      return field.type === "time" && !once.test(name) ? field : to === name ? field : renamed(field, to);
    }),
  }));
};
