/**
 * show: the real way to ask: Prometheus' API of this program. Tests put their own in its place.
 */
import { promAnswer } from "../api";
import type { Ask } from "./model";

export const askServer: Ask = (path, params, abort) => promAnswer(path, params, abort);
