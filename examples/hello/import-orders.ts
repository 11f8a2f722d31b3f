/**
 * Talking to somebody else's API: stop when told to, wait when asked to, give up when nothing can help, and go on at the
 * page where the last attempt ended.
 */
import { Fatal, RetryAfter, defineHandler } from "@streamer/core";
import { z } from "zod";

const page = z.object({
  orders: z.array(z.object({ id: z.string(), cents: z.int() })),
  pages: z.int().positive(),
});

type State = { readonly page: number; readonly orders: number; readonly cents: number };

export function createImportOrders({ api }: { readonly api: string }) {
  return defineHandler({
    action: "import_orders",
    input: z.object({ since: z.iso.date() }),
    retry: { maxAttempts: 8, baseMs: 1_000, capMs: 60_000 },
    async run({ since }, ctx) {
      let state = (ctx.resumed as State | undefined) ?? { page: 0, orders: 0, cents: 0 };
      for (let pages = Infinity; state.page < pages;) {
        const response = await fetch(`${api}/orders?since=${since}&page=${state.page}`, { signal: ctx.signal });
        if (response.status === 429) throw new RetryAfter(1_000 * Number(response.headers.get("retry-after") ?? 5));
        if (response.status === 401) throw new Fatal("The order API refused our key; an administrator has to renew it.");
        if (!response.ok) throw new Error(`The order API answered ${response.status} for page ${state.page}.`);

        const { orders, pages: total } = page.parse(await response.json());
        pages = total;
        state = {
          page: state.page + 1,
          orders: state.orders + orders.length,
          cents: orders.reduce((sum, { cents }) => sum + cents, state.cents),
        };
        await ctx.checkpoint(state);
        ctx.report((100 * state.page) / pages, `page ${state.page} of ${pages}`, { orders: state.orders });
      }
      return { orders: state.orders, cents: state.cents };
    },
  });
}
