/** show: the first page. In: the overview. Out: four tiles, one row per model, or the list of what is missing. */
import type { PageProps } from "../routes";
import { prom, useAsked } from "../api";

interface Build {
  version: string;
}

export default function Home(_: PageProps) {
  const build = useAsked((abort) => prom<Build>("status/buildinfo", {}, abort), "buildinfo");
  return (
    <>
      <h1>Home</h1>
      {build.error && <p class="bad">{build.error.message}</p>}
      <p class="quiet">{build.data ? `Version ${build.data.version}` : "…"}</p>
    </>
  );
}
