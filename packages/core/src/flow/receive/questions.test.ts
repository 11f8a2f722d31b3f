import { expect, it } from "vitest";
import type { Connection } from "../../ports/connections.ts";
import { createQuestions } from "./questions.ts";

const connection = { connectionId: "c" } as Connection;
const tick = async (): Promise<void> => {
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
};

function setUp() {
  const charged: number[] = [];
  let owed: { readonly limit: string; readonly afterMs: number } | undefined;
  const rates = { charge: (_: Connection, bytes: number) => void charged.push(bytes), owed: () => owed };
  const questions = createQuestions(rates, { monotonic: () => 0 });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (name: string): Promise<void> =>
    questions.answer(connection, () => {
      begun.push(name);
      return new Promise((resolve) => void ends.set(name, resolve));
    });
  return { questions, charged, begun, ask, end: (name: string) => ends.get(name)!(), owe: (more: typeof owed) => (owed = more) };
}

it("P14 questions of a connection are answered one after the other", async () => {
  const { begun, ask, end } = setUp();
  const all = ["a", "b", "c"].map(ask);
  await tick();
  expect(begun).toEqual(["a"]);
  for (const name of ["a", "b", "c"]) {
    end(name);
    await tick();
  }
  expect(begun).toEqual(["a", "b", "c"]);
  await Promise.all(all);
});

it("P14 a turn ends with its answer, whatever follows that, and only once", async () => {
  const { questions, charged, begun, ask, end } = setUp();
  const all = ["a", "b", "c"].map(ask);
  await tick();
  questions.answered("c", 10);
  await tick();
  expect(begun).toEqual(["a", "b"]);
  end("a");
  await tick();
  expect(begun).toEqual(["a", "b"]);
  questions.answered("c", 20);
  questions.answered("nobody", 1);
  await tick();
  expect(begun).toEqual(["a", "b", "c"]);
  for (const name of ["b", "c"]) end(name);
  await Promise.all(all);
  expect(charged).toEqual([10, 20]);
});

it("P14 what is not paid for is refused, and so is what waited behind it", async () => {
  const { begun, ask, end, owe } = setUp();
  const [first, second] = [ask("a"), ask("b")];
  await tick();
  owe({ limit: "100 bytes a second", afterMs: 700 });
  end("a");
  await first;
  await expect(second).rejects.toMatchObject({
    code: "RATE_LIMITED",
    afterMs: 700,
    message: expect.stringContaining("100 bytes a second"),
  });
  owe(undefined);
  const third = ask("c");
  await tick();
  end("c");
  await third;
  expect(begun).toEqual(["a", "c"]);
});

it("of a connection that is gone nothing that waits is answered", async () => {
  const { questions, begun, ask, end } = setUp();
  const all = ["a", "b", "c"].map(ask);
  await tick();
  questions.forget("c");
  questions.forget("nobody");
  await tick();
  const again = ask("d");
  await tick();
  end("a");
  await Promise.all(all);
  expect(begun).toEqual(["a", "d"]);
  end("d");
  await again;
});
