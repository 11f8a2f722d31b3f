/** The command inside the test's process, on streams the test holds: what it printed so far, how it ended, Ctrl-C. */
import { EventEmitter, once } from "node:events";
import { Readable, Writable } from "node:stream";
import { run } from "../src/program.ts";
import type { Output } from "../src/shell.ts";

export interface Ran {
  stdout: string;
  stderr: string;
  readonly exitCode: Promise<number>;
  interrupt(): void;
  /** As an exception that nobody caught does. */
  breakDown(): void;
  /** Waits until what was printed holds `text`. */
  printed(text: string): Promise<void>;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Columns of the terminal its streams are; none by default. */
  readonly columns?: number;
}

export function streamerHere(args: readonly string[], { env = {}, stdin = "", columns }: Surroundings = {}): Ran {
  const changes = new EventEmitter();
  const interrupts = new EventEmitter();
  const output = (name: "stdout" | "stderr"): Output =>
    Object.assign(
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          ran[name] += chunk.toString();
          changes.emit("change");
          done();
        },
      }),
      columns === undefined ? {} : { isTTY: true, columns },
    );
  let count = 0;
  const ran: Ran = {
    stdout: "",
    stderr: "",
    exitCode: Promise.resolve().then(() => run(args, shell)),
    interrupt: () => void interrupts.emit("SIGINT", (count += 1), "SIGINT"),
    breakDown: () => void interrupts.emit("uncaught"),
    async printed(text) {
      const limit = AbortSignal.timeout(15_000);
      while (!(ran.stdout + ran.stderr).includes(text)) {
        await once(changes, "change", { signal: limit }).catch((cause: unknown) => {
          throw new Error(`"${text}" was never printed, but:\n${ran.stdout}${ran.stderr}`, { cause });
        });
      }
    },
  };
  const shell = {
    stdin: Object.assign(Readable.from(stdin === "" ? [] : [stdin]), { isTTY: columns !== undefined }),
    stdout: output("stdout"),
    stderr: output("stderr"),
    // No profile of whoever runs the tests.
    env: { XDG_CONFIG_HOME: "/nowhere", ...env },
    onInterrupt(handle: (count: number, signal: NodeJS.Signals) => void) {
      interrupts.on("SIGINT", handle);
      return () => void interrupts.off("SIGINT", handle);
    },
    onStarterGone: () => () => {},
    onUncaught(handle: () => void) {
      interrupts.on("uncaught", handle);
      return () => void interrupts.off("uncaught", handle);
    },
  };
  return ran;
}
