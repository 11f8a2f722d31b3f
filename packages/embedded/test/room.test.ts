import { expect, it } from "vitest";
import { systemClock } from "../src/clock.ts";
import { countedAs, createAddressReader } from "../src/server/client-address.ts";
import { descriptorLimit } from "../src/server/descriptors.ts";
import { createDoors } from "../src/server/doors.ts";
import { resolveRoom } from "../src/server/room.ts";
import { silent } from "./harness.ts";

const room = (options: Partial<Parameters<typeof resolveRoom>[0]>) =>
  resolveRoom({ maxConnections: undefined, limits: undefined, log: silent, ...options });

it("leaves descriptors to files and children, whatever the process's limit", () => {
  for (const descriptors of [256, 1_024, 20_000, 65_536]) {
    const { total, sockets } = room({ descriptors });
    expect(total).toBeLessThanOrEqual(20_000);
    expect(sockets).toBeGreaterThan(total);
    expect(descriptors - sockets).toBeGreaterThanOrEqual(Math.min(512, descriptors / 8));
  }
  expect(room({ descriptors: undefined }).total).toBeLessThanOrEqual(20_000);
  expect(descriptorLimit()).toBeGreaterThan(200);
});

it("warns when more connections are asked for than fit, and keeps what is reserved", () => {
  const warnings: object[] = [];
  const log = { ...silent, warn: (fields: object) => void warnings.push(fields) };
  expect(room({ maxConnections: 5_000, descriptors: 4_096, log, limits: { reservedDescriptors: 96 } }).total).toBe(4_000);
  expect(warnings).toEqual([{ max_connections: 5_000, connections: 4_000, open_files: 4_096 }]);
});

it("gives no address, tenant or user all there is, unless told so", () => {
  expect(room({ maxConnections: 1_000, descriptors: 20_000 }).limits).toMatchObject({ perTenant: 500, perAddress: 250, perUser: 256 });
  expect(room({ limits: { perAddress: 7 } }).limits.perAddress).toBe(7);
});

it("refuses by name what is no limit", () => {
  expect(() => room({ limits: { perMoon: 1 } as object })).toThrow(/connectionLimits.perMoon/);
  for (const perUser of [0, -1, Number.NaN, "9" as unknown as number]) expect(() => room({ limits: { perUser } })).toThrow(/perUser/);
});

it("counts IPv6 addresses by the network that one subscriber has", () => {
  const same = ["2001:db8:1:2:3:4:5:6", "2001:DB8:1:2::", "2001:0db8:0001:0002::9", "2001:db8:1:2::1%eth0"].map((address) =>
    countedAs(address),
  );
  expect(new Set(same)).toEqual(new Set(["2001:db8:1:2::/64"]));
  expect(countedAs("::1")).toBe("0:0:0:0::/64");
  expect(countedAs("::ffff:192.0.2.1")).toBe("192.0.2.1");
});

it("refuses what is no proxy's address", () => {
  for (const wrong of ["proxy", "10.0.0.0/33", "10.0.0.0/", "::/129", ""])
    expect(() => createAddressReader([wrong])).toThrow(/no trusted proxy/);
  expect(createAddressReader(["10.0.0.0/8", "fd00::/8"]).isProxy("::ffff:10.2.3.4")).toBe(true);
  expect(createAddressReader(["10.0.0.0/8"]).isProxy("11.0.0.1")).toBe(false);
});

it("P14 who has gone while its token was verified holds no place of its tenant and user", () => {
  const limits = { perTenant: 1, perUser: 1, perAddress: 9 };
  const doors = createDoors({ clock: systemClock, log: silent, total: 9, limits, addresses: { isProxy: () => false } });
  for (let n = 0; n < 3; n += 1) {
    const entered = doors.enter("192.0.2.7");
    if ("error" in entered) throw new Error(entered.error.message);
    entered.place.leave();
    expect(entered.place.settle({ tenantId: "t", userId: "ann" }, "t/ann")).toBeUndefined();
  }
});
