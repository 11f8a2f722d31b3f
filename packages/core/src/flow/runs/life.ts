/**
 * The life of a run, whichever way its request was routed:
 *
 *                       refuse: the store does not take it
 *                 ┌────────────────────────────────────────┐
 *                 v               promote                  │
 *   begin ──> answering ──────────────────────────────> promoting ──yield──> superseded
 *                 │      it overran, needs the store,      │                     │
 *                 │      or is to be tried again           │ lease               │
 *                 │                                        v                     │
 *   claim ────────┼────────────────────────────────────> leased                  │
 *                 │ finish                                 │ finish              │ finish
 *                 v                                        v                     v
 *               ended <───────────── settle ─────────── settling               ended
 *
 * answering   it is not stored. Whoever asked for its id waits for one `response` (ports/answers.ts knows them)
 * promoting   it is being submitted as PROCESSING, under the lease it gets by the same write
 * leased      it is a durable request: what it says is written and published; everyone who asked follows it
 * settling    the handler has ended or was given up on; its end is written until it is known to stand or to be refused
 * superseded  its id belongs to a request that was made durable meanwhile: that one's end is the answer
 *
 * finish is the handler's end, or this process giving up on one that was told to stop and does not.
 */
import type { Claim } from "../../ports/requests.ts";

export type Phase =
  | {
      readonly name: "answering";
      /** Monotonic ms: then it is promoted. Infinity once the store has refused it. */
      readonly overrunAt: number;
    }
  | { readonly name: "promoting"; /** Resolves when it is no longer promoting; never rejects. */ readonly promotion: Promise<void> }
  | {
      readonly name: "leased";
      readonly claim: Claim;
      /** Monotonic ms at which the lease was asked for: it ends no sooner than its time after that. */
      readonly since: number;
    }
  | { readonly name: "settling"; readonly claim: Claim }
  | { readonly name: "superseded" }
  | { readonly name: "ended" };

export type LifeEvent = "promote" | "refuse" | "yield" | "lease" | "finish" | "settle";

/** Every phase and event: what follows, or `never` where the event cannot be. A cell that is missing does not compile. */
export const LIFE: Readonly<Record<Phase["name"], Readonly<Record<LifeEvent, Phase["name"] | "never">>>> = {
  answering: { promote: "promoting", refuse: "never", yield: "never", lease: "never", finish: "ended", settle: "never" },
  promoting: { promote: "never", refuse: "answering", yield: "superseded", lease: "leased", finish: "never", settle: "never" },
  leased: { promote: "never", refuse: "never", yield: "never", lease: "never", finish: "settling", settle: "never" },
  settling: { promote: "never", refuse: "never", yield: "never", lease: "never", finish: "never", settle: "ended" },
  superseded: { promote: "never", refuse: "never", yield: "never", lease: "never", finish: "ended", settle: "never" },
  ended: { promote: "never", refuse: "never", yield: "never", lease: "never", finish: "never", settle: "never" },
};

/** The phase `to` after `event`, which must be what the table says. */
export function move(from: Phase, event: LifeEvent, to: Phase): Phase {
  if (LIFE[from.name][event] !== to.name) throw new Error(`A run that is ${from.name} cannot ${event} to ${to.name}.`);
  return to;
}
