/** The server of killable-server.ts in a process of its own, to be killed and started again on the same folder and port. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

export interface Life {
  readonly child: ChildProcess;
  readonly url: string;
  readonly sdk: string;
  readonly raw: string;
}

export async function startServer(dataFolder: string, port: number): Promise<Life> {
  const script = join(import.meta.dirname, "killable-server.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, dataFolder, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await Promise.race([once(child.stdout, "data"), once(child, "exit").then(() => ["the server did not start"])])) as [
    Buffer,
  ];
  return { child, ...(JSON.parse(line.toString()) as Omit<Life, "child">) };
}

export async function kill({ child }: Life): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** A port that no outgoing connection is given: the server has to find it free at each start. */
export async function fixedPort(random: () => number): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(random() * 10_000);
    const probe = createServer();
    const free = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => probe.close(resolve));
    if (free) return port;
  }
}
