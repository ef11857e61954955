/**
 * show: compares our dashboards' logic with `@grafana/data`: `npx tsx oracle/run.ts [seed]` after `npm install` in this folder.
 * Ends with 1 when something differs without a reason.
 */
import { version } from "./grafana";
import { displays } from "./displays";
import { intervals } from "./intervals";
import { names } from "./names";
import { reducers } from "./reducers";
import { transformations } from "./transformations";
import { units } from "./units";

const seed = Number(process.argv[2] ?? 1);
console.log(`@grafana/data ${version}, seed ${seed}`);
const results = [units(seed), intervals(seed), reducers(seed), names(seed), displays(seed), await transformations(seed)].map((one) => one.report());
// Where there is a document, as here, modules of pages keep a clock, for which Node would wait for ever.
process.exit(results.every(Boolean) ? 0 : 1);
