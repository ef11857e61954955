/** show: the transformation `organize`: hides columns, puts them in order, gives them names. */
import { flag, number, object, text } from "../loose";
import type { Transform } from "./index";
import { frameOf, renamed } from "./columns";
import { allNames } from "../names";

export const organize: Transform = (frames, options) => {
  const [exclude, include, index, rename] = [object(options.excludeByName), object(options.includeByName), object(options.indexByName), object(options.renameByName)];
  const included = Object.keys(include).filter((name) => flag(include[name]));
  return frames.flatMap((frame) => {
    const names = allNames(frames);
    const name = (field: (typeof frame.fields)[number]) => names.get(field) ?? field.name;
    const place = (field: (typeof frame.fields)[number]) => number(index[name(field)]) ?? number(index[field.name]) ?? Infinity;
    const kept = frame.fields.filter((field) => !flag(exclude[name(field)]) && !flag(exclude[field.name]) && (included.length === 0 || included.includes(name(field))));
    const order = kept.map((field, at) => ({ field, at, place: place(field) })).sort((a, b) => (a.place === b.place ? a.at - b.at : a.place - b.place));
    const fields = order.map(({ field }) => {
      const to = text(rename[name(field)]) || text(rename[field.name]);
      return to === "" ? field : renamed(field, to);
    });
    return fields.length === 0 ? [] : [{ ...frameOf(fields, frame), length: frame.length }];
  });
};
