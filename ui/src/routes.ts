/**
 * show: which page is at which address, and what the menu shows. A new page is one file in pages/ and one line here.
 *
 * Addresses are relative to the base (`/ui/`, or what a reverse proxy makes of it). `:name` is a part, `*` the rest. Pages come as
 * chunks of their own, so the first load carries only the layout.
 */
import type { ComponentType } from "preact";

export interface PageProps {
  /** Parts of the address by name, decoded. */
  params: Record<string, string>;
}

export interface Route {
  path: string;
  load: () => Promise<{ default: ComponentType<PageProps> }>;
  /** The word in the menu; absent: the page is reached from others. */
  menu?: string;
  /** The heading it stands under in the menu. */
  group?: "watch" | "look" | "tell" | "inside";
  title: string;
}

export const ROUTES: Route[] = [
  { path: "", title: "Home", menu: "Home", group: "watch", load: () => import("./pages/home") },
  { path: "alerts", title: "Alerts", menu: "Alerts", group: "watch", load: () => import("./pages/alerts") },
  { path: "alerts/*", title: "Alert", load: () => import("./pages/alert") },
  { path: "models", title: "Models", menu: "Models", group: "watch", load: () => import("./pages/models") },
  { path: "models/:name", title: "Model", load: () => import("./pages/model") },
  { path: "dashboards", title: "Dashboards", menu: "Dashboards", group: "look", load: () => import("./pages/dashboards") },
  { path: "dashboards/:uid", title: "Dashboard", load: () => import("./pages/dashboard") },
  { path: "query", title: "Query", menu: "Query", group: "look", load: () => import("./pages/query") },
  { path: "silences", title: "Silences", menu: "Silences", group: "tell", load: () => import("./pages/silences") },
  { path: "notifications", title: "Notifications", menu: "Notifications", group: "tell", load: () => import("./pages/notifications") },
  { path: "receivers", title: "Receivers", menu: "Receivers", group: "tell", load: () => import("./pages/receivers") },
  { path: "inbox", title: "Inbox", menu: "Inbox", group: "tell", load: () => import("./pages/inbox") },
  { path: "targets", title: "Targets", menu: "Targets", group: "inside", load: () => import("./pages/targets") },
  { path: "rules", title: "Rules", menu: "Rules", group: "inside", load: () => import("./pages/rules") },
  { path: "findings", title: "Findings", menu: "Findings", group: "inside", load: () => import("./pages/findings") },
  { path: "cardinality", title: "Cardinality", menu: "Cardinality", group: "inside", load: () => import("./pages/cardinality") },
  { path: "configuration", title: "Configuration", menu: "Configuration", group: "inside", load: () => import("./pages/configuration") },
  { path: "status", title: "Status", menu: "Status", group: "inside", load: () => import("./pages/status") },
];
