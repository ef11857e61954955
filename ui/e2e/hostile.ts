/**
 * show, tests: labels and alerts of somebody who means harm, or had an accident: HTML, scripts, marks that turn the direction of writing, 64 KB.
 */
export const SCRIPT = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>";
export const TURNED = "safe\u202Egpj.exe\u2066 \u200F";
export const LONG = `start ${"0123456789abcdef".repeat(4096)} end`;

/** Names that addresses have another use for. */
export const NAMES = ["..", ".", "~..", "a/../b", "what?is#this&that=100%", "/"];

/** Series by the Pushgateway's protocol, alerts by Alertmanager's. */
export async function hostile(url: string): Promise<void> {
  const quoted = (text: string) => text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
  const lines = [
    "# TYPE hostile gauge",
    `hostile{kind="script",value="${quoted(SCRIPT)}"} 1`,
    `hostile{kind="turned",value="${quoted(TURNED)}"} 2`,
    `hostile{kind="lines",value="${quoted("a\n\n\nb\tc")}"} 3`,
    `hostile{kind="template",value="{{ .ExternalURL }} $\{x} [[y]]"} 4`,
    "",
  ];
  await put(`${url}/metrics/job/hostile`, "PUT", lines.join("\n"), "text/plain");
  const alert = (name: string, extra: Record<string, string>, annotations: Record<string, string>) => ({
    labels: { alertname: name, severity: "warning", ...extra },
    annotations,
    generatorURL: "javascript:alert(1)",
  });
  const alerts = [
    alert(SCRIPT, { value: SCRIPT }, { summary: SCRIPT, description: `<a href="javascript:window.hacked=1">x</a> [x](javascript:window.hacked=1)`, runbook_url: "javascript:window.hacked=1" }),
    alert("Turned", { value: TURNED }, { summary: TURNED }),
    alert("Long", { value: LONG }, { summary: LONG }),
    ...NAMES.map((name) => alert(name, {}, { summary: `its name is ${name}` })),
  ];
  await put(`${url}/api/v2/alerts`, "POST", JSON.stringify(alerts), "application/json");
}

async function put(url: string, method: string, body: string, type: string): Promise<void> {
  const response = await fetch(url, { method, body, headers: { "content-type": type } });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
}
