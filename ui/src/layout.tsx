/** show: the frame around every page: menu, the page of the address, what went wrong while loading it. */
import { useErrorBoundary, useEffect, useState } from "preact/hooks";
import type { ComponentType } from "preact";

import { match } from "./match";
import { overview, watchOverview } from "./overview";
import { follow, href, place } from "./router";
import { ROUTES, type PageProps, type Route } from "./routes";

const GROUPS = [
  ["watch", "Watch"],
  ["look", "Look"],
  ["tell", "Tell"],
  ["inside", "Inside"],
] as const;

export function Layout() {
  useEffect(follow, []);
  useEffect(watchOverview, []);
  return (
    <>
      <a class="skip" href={location.href} onClick={toMain}>
        Skip to the page
      </a>
      <Menu />
      <p class="unseen" role="status">
        {match(place.value.path, ROUTES)?.route.title}
      </p>
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
    </>
  );
}

/** A plain `#main` would lead to the base of the document, not to this page. */
function toMain(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Menu() {
  const [open, setOpen] = useState(false);
  const here = match(place.value.path, ROUTES)?.route;
  useEffect(() => setOpen(false), [place.value.path]);
  return (
    <header class={open ? "menu open" : "menu"}>
      <a class="brand" href={href("")}>
        <img src="./buoy.svg" alt="" width={22} height={22} /> bellbuoy
      </a>
      <button class="burger" type="button" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
        Menu
      </button>
      <nav id="menu" aria-label="Pages" onClick={() => setOpen(false)}>
        {GROUPS.filter(([group]) => ROUTES.some((route) => route.menu && route.group === group)).map(([group, title]) => (
          <section key={group}>
            <h2>{title}</h2>
            {ROUTES.filter((route) => route.menu && route.group === group).map((route) => (
              <a key={route.path} href={href(route.path)} aria-current={isUnder(route, here) ? "page" : undefined}>
                {route.menu}
                <Badge path={route.path} />
              </a>
            ))}
          </section>
        ))}
      </nav>
    </header>
  );
}

/** How many want to be looked at. A count and its word, so that colour alone says nothing. */
function Badge({ path }: { path: string }) {
  const known = overview.value.data;
  if (!known) return null;
  const counts: Record<string, [number, string, string]> = {
    alerts: [known.alerts.firing, "bad", "firing"],
    targets: [known.targets.down, "bad", "down"],
    rules: [known.rules.failing, "bad", "failing"],
    notifications: [known.notifications.pending, "warn", "waiting"],
    configuration: [known.configuration.ok ? 0 : 1, "bad", "rejected"],
  };
  const [many, tone, word] = counts[path] ?? [0, "", ""];
  if (many === 0) return null;
  return (
    <span class={`badge ${tone}`} title={`${many} ${word}`}>
      {many}
      <span class="unseen"> {word}</span>
    </span>
  );
}

/** A page below another (`alerts/NAME`) marks the other in the menu. */
function isUnder(route: Route, here: Route | undefined): boolean {
  return here !== undefined && (here === route || (route.path !== "" && here.path.startsWith(`${route.path}/`)));
}

type Loaded = { path: string; Shown: ComponentType<PageProps> } | { path: string; failed: string };

function Page() {
  const path = place.value.path;
  const found = match(path, ROUTES);
  const key = found?.route.path;
  const [loaded, setLoaded] = useState<Loaded>();
  const [broken, mend] = useErrorBoundary();
  useEffect(() => {
    if (!found) return;
    document.title = `${found.route.title} · bellbuoy`;
    let gone = false;
    found.route.load().then(
      (module) => gone || setLoaded({ path: found.route.path, Shown: module.default }),
      () => gone || setLoaded({ path: found.route.path, failed: "This page could not be loaded; bellbuoy may have been updated. Load it again." }),
    );
    return () => void (gone = true);
  }, [key]);
  useEffect(() => broken && mend(), [path]);
  if (!found) return <Gone />;
  if (broken) return <Problem title="This page broke" text={String((broken as Error).message ?? broken)} />;
  if (!loaded || loaded.path !== key) return <p class="quiet" aria-busy="true">Loading…</p>;
  if ("failed" in loaded) return <Problem title="Not loaded" text={loaded.failed} />;
  return <loaded.Shown params={found.params} />;
}

function Gone() {
  return (
    <Problem title="No such page" text="There is nothing at this address. The menu leads on." />
  );
}

export function Problem({ title, text }: { title: string; text: string }) {
  return (
    <section class="problem" role="alert">
      <h1>{title}</h1>
      <p>{text}</p>
    </section>
  );
}
