import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { connect } from "@streamer/client";
import { ownAddresses } from "@streamer/embedded";
import { jsonLines, streamer } from "./command.ts";
import { streamerHere } from "./in-process.ts";

const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "streamer-serve-"));
afterAll(() => rmSync(folder, { recursive: true }));
/** A small shop, made once, so that no test waits for the large one. */
const sample = async (): Promise<string> => {
  const command = streamerHere(["sample-data", "--rows", "1e3", "--out", join(folder, "shop"), "--json"]);
  expect(await command.exitCode).toBe(0);
  expect(jsonLines(command.stdout)).toMatchObject([{ rows: 1_000, seed: 1, folder: join(folder, "shop") }]);
  return "shop";
};

it("prints what can be pasted, answers it, and stops with 0 on SIGTERM (P13)", async () => {
  const serve = streamer(["serve", "--port", "0", "--data", await sample(), "--data-folder", "data", "--log-level", "warn"], {
    cwd: folder,
  });
  await serve.printed("Ctrl-C stops it.");
  const [, echo = ""] = /npx streamer (request echo [^\n]+)/.exec(serve.stdout) ?? [];
  const [, url = "", payload = ""] = [/--url (\S+)/.exec(echo)?.[1], /--payload '([^']+)'/.exec(echo)?.[1]].reduce<string[]>(
    (all, part) => [...all, part ?? ""],
    [""],
  );
  const pasted = streamerHere(["request", "echo", "--payload", payload, "--url", url, "--data-folder", join(folder, "data")]);
  expect(await pasted.exitCode).toBe(0);
  expect(JSON.parse(pasted.stdout)).toEqual({ hello: "world" });
  const [readyz = ""] = /http:\S+\/readyz/.exec(serve.stdout) ?? [];
  expect((await fetch(readyz)).status).toBe(200);
  const [token = ""] = /^ey\S+$/m.exec(serve.stdout) ?? [];
  await using client = connect(url, { token });
  expect(await client.request("echo", [1]).result).toEqual([1]);
  serve.kill("SIGTERM");
  expect(await serve.ended).toBe(0);
});

it("--aws-limits keeps within what API Gateway carries, and the report it suggests arrives all the same", async () => {
  const serve = streamer(
    ["serve", "--port", "0", "--data", await sample(), "--data-folder", "data6", "--aws-limits", "--log-level", "warn"],
    {
      cwd: folder,
    },
  );
  await serve.printed("Ctrl-C stops it.");
  const [, pasted = "", payload = ""] = /npx streamer (request generate_report --payload '([^']+)' .*)/.exec(serve.stdout) ?? [];
  const access = ["--url", /--url (\S+)/.exec(pasted)?.[1] ?? "", "--data-folder", join(folder, "data6")];
  process.chdir(folder);
  try {
    const report = streamerHere(["request", "generate_report", "--payload", payload, "--out", "reports", "--json", ...access]);
    expect(await report.exitCode, report.stderr).toBe(0);
    const { file } = jsonLines(report.stdout).at(-1)!;
    expect(readFileSync(String(file)).subarray(0, 5).toString()).toBe("%PDF-");
    const doctor = streamerHere(["doctor", "--json", ...access]);
    expect(await doctor.exitCode, doctor.stderr).toBe(0);
    expect(doctor.stdout).toContain("32768");
  } finally {
    process.chdir(home);
  }
  serve.kill("SIGTERM");
  expect(await serve.ended).toBe(0);
});

it("--json prints one line when ready; with a secret it prints no token: those minted with it are taken, others not", async () => {
  const secret = "s".repeat(32);
  const serve = streamer(["serve", "--port", "0", "--data", await sample(), "--data-folder", "data2", "--json", "--log-level", "silent"], {
    cwd: folder,
    env: { STREAMER_SECRET: secret },
  });
  await serve.printed("\n");
  const [ready] = jsonLines(serve.stdout);
  expect(ready).toEqual({
    url: expect.stringMatching(/^ws:/) as string,
    http_url: expect.stringMatching(/^http:/) as string,
    public_url: null,
    token: null,
  });
  const minted = streamer(["token", "--sub", "anna", "--tenant", "acme", "--permission", "a,b", "--ttl", "1h", "--json"], {
    cwd: folder,
    env: { STREAMER_SECRET: secret },
  });
  expect(await minted.ended).toBe(0);
  const [claims] = jsonLines(minted.stdout);
  expect(claims).toMatchObject({ sub: "anna", tenant_id: "acme", permissions: ["a", "b"] });
  const ask = (token: unknown) => streamerHere(["request", "echo", "--url", String(ready!["url"]), "--token", String(token)]).exitCode;
  writeFileSync(join(folder, "other-secret"), `${"x".repeat(32)}\n`);
  const foreign = streamerHere(["token", "--secret-file", join(folder, "other-secret")]);
  expect(await foreign.exitCode).toBe(0);
  expect([await ask(claims!["token"]), await ask(foreign.stdout.trim())]).toEqual([0, 5]);
  serve.kill("SIGINT");
  expect(await serve.ended).toBe(0);
});

it("serves a folder of data sets that has no mapping: one is learned from, a report is refused with what it needs", async () => {
  const sets = join(folder, "sets");
  mkdirSync(sets);
  const rows = Array.from({ length: 60 }, (_, row) => `${row % 3},${(row % 3) * 5 + (row % 7) / 7}`);
  writeFileSync(join(sets, "points.csv"), ["x,y", ...rows].join("\n"));
  const serve = streamer(["serve", "--port", "0", "--data", sets, "--data-folder", "data5", "--log-level", "silent"], { cwd: folder });
  await serve.printed("Ctrl-C stops it.");
  expect(serve.stdout).toContain("Reports need a sources.json there");
  const [, pasted] = /npx streamer (request process_data .*)/.exec(serve.stdout)!;
  expect(pasted).toContain('"path":"points.csv"');
  const access = ["--url", /ws:\/\/[^,\s]+/.exec(serve.stdout)![0], "--data-folder", join(folder, "data5")];
  const payload = { pipeline: "clustering", data_source: { type: "file", path: "points.csv" }, options: { clusters: 3 } };
  const learned = streamerHere(["request", "process_data", "--payload", JSON.stringify(payload), ...access]);
  expect(await learned.exitCode, learned.stderr).toBe(0);
  expect(JSON.parse(learned.stdout)).toMatchObject({ rows: 60, metrics: { clusters: 3 } });
  const days = JSON.stringify({ start_date: "2025-01-01", end_date: "2025-12-31" });
  const report = streamerHere(["request", "generate_report", "--payload", days, ...access]);
  expect(await report.exitCode).toBe(1);
  expect(report.stderr).toContain('"sources.json" is not in the data folder');
  serve.kill("SIGTERM");
  expect(await serve.ended).toBe(0);
});

it("refuses what cannot be right with exit code 2, and a port in use with 1", async () => {
  const shop = await sample();
  const first = streamer(["serve", "--port", "0", "--data", shop, "--data-folder", "data3", "--json", "--log-level", "silent"], {
    cwd: folder,
  });
  await first.printed("\n");
  const { port } = new URL(String(jsonLines(first.stdout)[0]!["url"]));
  process.chdir(folder);
  writeFileSync("short-secret", "short\n");
  writeFileSync("secret", "s".repeat(32));
  const commands = [
    ["serve", "--port", "70000"],
    ["serve", "--secret", "s".repeat(32)],
    ["token", "--secret", "s".repeat(32)],
    ["serve", "--secret-file", "short-secret"],
    ["serve", "--secret-file", "no-such-secret"],
    ["serve", "--secret-file", "secret", "--jwks", "keys.json"],
    ["serve", "--audience", "streamer"],
    ["serve", "--max-connections", "0"],
    ["serve", "--public-key", "no-such.pem"],
    ["serve", "--data", "no-such-folder"],
    ["serve", "--mapping", "m.json"],
    ["serve", "--log-level", "loud"],
    ["sample-data", "--rows", "0"],
    ["token", "--data-folder", "no-such-folder"],
    ["demo", "--format", "docx"],
    ["demo", "--data", shop, "--start", "2025-01-01"],
    ["serve", "--jwks", "http://id.example.com/keys", "--data", shop, "--data-folder", "data-7"],
    ["serve", "--secret-file", "secret", "--revoked", "none.json", "--data", shop, "--data-folder", "data-8"],
    ["serve", "--host", "0.0.0.0", "--data", shop, "--data-folder", "data-7"],
    ["serve", "--public-url", "https://streamer.example.com", "--data", shop, "--data-folder", "data-7"],
    ["serve", "--public-url", "http://0.0.0.0:8080", "--i-know", "--data", shop, "--data-folder", "data-7"],
    ["serve", "--trust-proxy", "proxy.example.com", "--data", shop, "--data-folder", "data-9"],
    ["serve", "--port", port, "--data", shop, "--data-folder", "data4"],
    ["serve", "--port", "0", "--data", shop, "--data-folder", "data3"],
  ].map((args) => streamerHere(args));
  expect(await Promise.all(commands.map(({ exitCode }) => exitCode))).toEqual([...Array.from({ length: 22 }, () => 2), 1, 1]);
  expect(commands[1]!.stderr).toMatch(/command line.*--secret-file/s);
  expect(commands.at(-2)!.stderr).toContain("is taken");
  expect(existsSync(join(folder, "streamer-data"))).toBe(false);
  process.chdir(home);
  first.kill("SIGTERM");
  expect(await first.ended).toBe(0);
});

it("listens for others with the development key only when told so, and says where they reach it", async () => {
  const args = [
    "serve",
    "--port",
    "0",
    "--host",
    "0.0.0.0",
    "--data",
    join(folder, await sample()),
    "--data-folder",
    join(folder, "data9"),
  ];
  const refused = streamerHere(args);
  expect(await refused.exitCode).toBe(2);
  for (const way of ["--jwks", "--public-key", "--secret-file", "--host 127.0.0.1", "--i-know"]) expect(refused.stderr).toContain(way);
  const serve = streamerHere([...args, "--i-know"]);
  await serve.printed("Ctrl-C stops it.");
  expect(serve.stdout).not.toContain("0.0.0.0");
  expect(serve.stdout).toContain("Streamer at ws://127.0.0.1:");
  for (const address of ownAddresses().filter((one) => isIPv4(one))) expect(serve.stdout).toContain(`ws://${address}:`);
  serve.interrupt();
  expect(await serve.exitCode).toBe(0);
});

it("stops gracefully after an exception that nobody caught, with exit code 1", async () => {
  const serve = streamerHere([
    "serve",
    "--port",
    "0",
    "--data",
    join(folder, await sample()),
    "--data-folder",
    join(folder, "data3"),
    "--json",
  ]);
  await serve.printed("\n");
  serve.breakDown();
  expect(await serve.exitCode).toBe(1);
});

it("P10 refuses data among which its own folder is, and says what to do", async () => {
  const serve = streamer(["serve", "--port", "0", "--data", "."], { cwd: folder });
  expect(await serve.ended).toBe(2);
  expect(serve.stderr).toMatch(
    /holds the server's own folder \.\/streamer-data: any user could read its keys\. Put the data into a folder of its own/,
  );
});
