/** From events that are stored to whoever follows them. */
import type { Mutant } from "./mutant.ts";

export const TELLING: readonly Mutant[] = [
  {
    name: "gap-passed-over",
    promise: "P6",
    does: "sends what is published after a gap, and takes what was in the gap for told",
    engine: "memory",
    file: "packages/core/src/flow/deliver/cursor.ts",
    find: `    if (!isContiguous) {\n      this.#become("gap");\n      return;\n    }\n`,
    replace: "",
  },
  {
    name: "published-while-it-reads",
    promise: "P6",
    does: "forgets what is published while a replay reads its last page",
    engine: "memory",
    file: "packages/core/src/flow/deliver/cursor.ts",
    find: `    if (phase.name === "behind") {\n      phase.missed = true;\n`,
    replace: `    if (phase.name === "behind") {\n`,
  },
  {
    name: "replay-from-a-seq-too-far",
    promise: "P6",
    does: "begins a replay one event too late",
    engine: "memory",
    file: "packages/core/src/flow/deliver/cursor.ts",
    find: "this.#ports.read(this.key, this.#last, PAGE)",
    replace: "this.#ports.read(this.key, this.#last + 1, PAGE)",
  },
  {
    name: "replay-from-the-later-place",
    promise: "P6",
    does: "asked from two places while it reads, goes on from the one it was asked for last",
    engine: "memory",
    file: "packages/core/src/flow/deliver/cursor.ts",
    find: `phase.name === "behind" ? Math.min(after, phase.from ?? this.#last) : after`,
    replace: "after",
  },
  {
    name: "told-again",
    promise: "P5",
    does: "sends what a replay has told already when it is published",
    engine: "memory",
    file: "packages/core/src/flow/deliver/cursor.ts",
    find: `    const fresh = frames.filter(({ seq }) => seq > this.#last);
    const [first] = fresh;
    if (!first) return;
    // The store numbers without a gap: what is missing was committed before, and is published later or by others.
    const isContiguous = first.seq === this.#last + 1 &&`,
    replace: `    const fresh = frames;
    const [first] = fresh;
    if (!first) return;
    const isContiguous = first.seq <= this.#last + 1 &&`,
  },
  {
    name: "end-without-followers",
    promise: "P6",
    does: "lets the followers of a request go, and then publishes its end",
    engine: "memory",
    file: "packages/core/src/flow/deliver/deliver.ts",
    find: `      if (!(await publishAll(key, frames))) return;
      for (const connectionId of await subscriptions.dropRequest(key)) {`,
    replace: `      const dropped = await subscriptions.dropRequest(key);
      await publishAll(key, frames);
      for (const connectionId of dropped) {`,
  },
  {
    name: "failed-push-passed-over",
    promise: "P6",
    does: "leaves a connection open to which something could not be told",
    engine: "memory",
    file: "packages/core/src/flow/deliver/deliver.ts",
    find: `    await channel.close(connectionId, 1011, "delivery failed, resume");
    await dropConnection(connectionId);
`,
    replace: "",
  },
  {
    name: "subscriptions-leaked",
    promise: "P11",
    does: "keeps the subscriptions of a connection that has closed",
    engine: "memory",
    file: "packages/core/src/flow/deliver/deliver.ts",
    find: "      await subscriptions.dropConnection(connectionId);\n",
    replace: "",
  },
  {
    name: "links-not-signed",
    promise: "P7",
    does: "sends events with the placeholders of their files",
    engine: "memory",
    file: "packages/core/src/flow/deliver/deliver.ts",
    find: "const signed = await withLinks(connectionId, key, text);",
    replace: "const signed = text;",
  },
  {
    name: "held-while-it-ends",
    promise: "P6",
    does: "lets a subscription go whose request has ended while something was kept back for it",
    engine: "memory",
    file: "packages/core/src/flow/deliver/deliver.ts",
    find: `        if (cursor.phase === "live") closeCursor(cursor);`,
    replace: "        closeCursor(cursor);",
  },
];
