import { useCallback, useEffect, useRef, useState } from "react";
import type { RequestArguments } from "../actions.ts";
import type { RequestOptions } from "../client.ts";
import type { StreamerError } from "../errors.ts";
import type { Run } from "../run.ts";
import { useClient } from "./provider.ts";
import { noRun, storeOfRun, type RunStore } from "./run-store.ts";
import { useRunStore } from "./use-run.ts";
import type { RunView } from "./view.ts";

/** Options for every request of the component, and callbacks for their ends; those are called even after it is unmounted. */
export interface UseRequestOptions<Input, Output> extends Omit<RequestOptions, "id"> {
  readonly onSuccess?: (data: Output, input: Input) => void;
  readonly onError?: (error: StreamerError, input: Input) => void;
  readonly onSettled?: (data: Output | undefined, error: StreamerError | undefined, input: Input) => void;
}

export type RequestView<Input, Output> = RunView<Output> & {
  /** Sends a request; the hook shows the last one. It never throws. Store `run.toJSON()` to continue elsewhere. */
  readonly submit: (...input: RequestArguments<Input, RequestOptions>) => Run<Output>;
  /** Sends a request and returns the promise of its result. */
  readonly submitAsync: (...input: RequestArguments<Input, RequestOptions>) => Promise<Output>;
  /** The input that was submitted last. */
  readonly input: Input | undefined;
  /** Returns the hook to idle. A request that has not ended continues. */
  readonly reset: () => void;
};

/** The options of the newest render. */
interface Latest<Input, Output> {
  readonly current: UseRequestOptions<Input, Output>;
}

interface Submission<Input, Output> {
  readonly input: Input;
  readonly store: RunStore<Output>;
}

/**
 * Submits requests, and shows the last one: in the shape of TanStack Query's `useMutation`, with progress.
 * @example const { submit, progress, data, isPending } = useRequest("resize_images");
 */
export function useRequest<Input = unknown, Output = unknown>(
  action: string,
  options: UseRequestOptions<Input, Output> = {},
): RequestView<Input, Output> {
  const client = useClient();
  const [submission, setSubmission] = useState<Submission<Input, Output>>();
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  const begin = useCallback(
    ([input, wanted]: readonly [input?: Input, options?: RequestOptions]) => {
      const { onSuccess, onError, onSettled, ...defaults } = latest.current;
      const run = client.request(action, input, { ...defaults, ...wanted }) as Run<Output>;
      setSubmission({ input: input as Input, store: storeOfRun(client, run) });
      const isAwaited = Boolean(onSuccess ?? onError ?? onSettled);
      if (isAwaited) tellEnd(run, input as Input, latest);
      return { run, isAwaited };
    },
    [client, action],
  );
  const submit = useCallback(
    (...input: RequestArguments<Input, RequestOptions>) => {
      const { run, isAwaited } = begin(input);
      // The component takes a handle of its own once it shows the run: nothing is left over when it never does.
      if (!isAwaited) run.detach();
      return run;
    },
    [begin],
  );
  const submitAsync = useCallback((...input: RequestArguments<Input, RequestOptions>) => begin(input).run.result, [begin]);
  const reset = useCallback(() => setSubmission(undefined), []);

  return { ...useRunStore(submission?.store ?? noRun), submit, submitAsync, reset, input: submission?.input };
}

function tellEnd<Input, Output>({ result }: Run<Output>, input: Input, latest: Latest<Input, Output>): void {
  // Chained, not awaited: what a callback throws is its owner's, and must not reach `onError`.
  void result.then(
    (data) => latest.current.onSuccess?.(data, input),
    (error: StreamerError) => latest.current.onError?.(error, input),
  );
  void result.then(
    (data) => latest.current.onSettled?.(data, undefined, input),
    (error: StreamerError) => latest.current.onSettled?.(undefined, error, input),
  );
}
