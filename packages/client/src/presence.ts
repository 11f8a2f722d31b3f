/**
 * What a browser knows of the way to the server: whether the machine is online, and moments at which it pays to look at
 * the link: back online, gone offline, shown again after the tab or the machine slept. Elsewhere nothing is known.
 */
export interface Presence {
  readonly isOffline: boolean;
  /** Calls `call` at each such moment. Returns a function that unsubscribes. */
  watch(call: () => void): () => void;
}

export const browserPresence: Presence = {
  get isOffline() {
    // A Node process has a navigator too, one that does not say.
    return (globalThis.navigator as Partial<Navigator> | undefined)?.onLine === false;
  },
  watch(call) {
    if (typeof document === "undefined") return () => undefined;
    const shown = (): void => {
      if (document.visibilityState === "visible") call();
    };
    const targets = [
      [globalThis, "online", call],
      [globalThis, "offline", call],
      [document, "visibilitychange", shown],
    ] as const;
    for (const [target, name, listener] of targets) target.addEventListener(name, listener);
    return () => {
      for (const [target, name, listener] of targets) target.removeEventListener(name, listener);
    };
  },
};
