/** No React: a request, and after a reload the same request, by what the page kept of it when it was left. */
import { connect, type RunEvent, type RunReference } from "@streamer/client";
import { expose, token, url } from "./settings.ts";

const client = connect(url, { token });
const kept = sessionStorage.getItem("run");
const run = kept === null ? client.request("lines") : client.attach(JSON.parse(kept) as RunReference);
const seen = JSON.parse(sessionStorage.getItem("seen") ?? "[]") as RunEvent[];
expose({ seen });

addEventListener("pagehide", () => {
  sessionStorage.setItem("run", JSON.stringify(run));
  sessionStorage.setItem("seen", JSON.stringify(seen));
});

for await (const event of run.events) seen.push(event);
expose({ result: await run.result });
